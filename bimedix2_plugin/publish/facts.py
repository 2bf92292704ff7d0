"""What a model card tells, read from the files that the work has left: recipe, manifests, scores."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.projector import FINISHED
from bimedix2_plugin.publish.finished import composition_of
from bimedix2_plugin.training.hyperparameters import shown


@dataclass(frozen=True)
class Facts:
    """Everything that a card is made from.

    Attributes:
        folder: the merged checkpoint.
        composition: its base, tower and projector.
        hyperparameters: of the recipe, where one is named.
        first_stage: hyperparameters of the stage 1 that the projector comes from, where its folder is here.
        manifests: of the data sets that the recipe and its stage 1 train on.
        missing: those of the data sets that have no manifest here.
        scores: lines of `scores.json`, where a results folder is named.
        datasets: their names on the Hub.
        licence: the Hub's identifier, or None to go by the base.
    """

    folder: Path
    composition: dict[str, Any]
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    first_stage: dict[str, Any] = field(default_factory=dict)
    manifests: tuple[dict[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    scores: tuple[dict[str, Any], ...] = ()
    datasets: tuple[str, ...] = ()
    licence: str | None = None

    @property
    def base(self) -> str:
        """The language model's name, without the folders before it where it is not from the Hub."""
        return _name(self.composition["base"])

    @property
    def tower(self) -> str:
        """The vision tower's name, in the same way."""
        return _name(self.composition["tower"])

    @property
    def on_hub(self) -> list[str]:
        """Those parts that the Hub knows."""
        return [part["name"] for key in ("base", "tower") if (part := self.composition[key])["revision"] != "local"]


def read_facts(
    target: Path, results: Path | None = None, datasets: tuple[str, ...] = (), licence: str | None = None
) -> Facts:
    """Read what there is to tell of a checkpoint.

    Args:
        target: a recipe, whose merged checkpoint is meant, or the checkpoint's folder; of that, neither data nor
            hyperparameters are known.
        results: `python -m eval`'s folder with scores.json.
        datasets: names on the Hub of the training data.
        licence: the Hub's identifier of the checkpoint's licence.

    Raises:
        RecipeError: the checkpoint is not finished, or a file cannot be read.
    """
    recipe = {} if target.is_dir() else _mapping(target)
    folder = target if target.is_dir() else Path(str(recipe.get("output_dir") or "./model-out")) / "merged"
    composition = composition_of(folder)
    first = _finished(composition["projector"].get("init_from")) if recipe else {}
    own = _finished(str(folder.parent)) if recipe else {}
    ranks = {key: value for key, value in (own.get("hyperparameters") or {}).items() if key == "ranks"}
    paths = [Path(str(entry.get("path"))) for entry in recipe.get("datasets") or []]
    paths += [path for path in map(Path, first.get("datasets") or []) if path not in paths]
    there = [path for path in paths if (path / "manifest.json").is_file()]
    return Facts(
        folder=folder,
        composition=composition,
        hyperparameters=shown(recipe) | ranks,
        first_stage=first.get("hyperparameters") or {},
        manifests=tuple(_json(path / "manifest.json") for path in there),
        missing=tuple(path.name for path in paths if path not in there),
        scores=tuple(_json(results / "scores.json")) if results else (),
        datasets=datasets,
        licence=licence,
    )


def _finished(folder: str | None) -> dict[str, Any]:
    """Return what a finished run left of itself, or nothing where there was none or its folder is gone."""
    file = Path(folder or "") / FINISHED
    return _json(file) if folder and file.is_file() else {}


def _name(part: dict[str, Any]) -> str:
    return Path(part["name"]).name if part["revision"] == "local" else str(part["name"])


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: cannot be read ({error}). Make it again.") from error


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not a readable recipe ({error}). Name a YAML file of recipes/.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: holds no keys. Name a recipe, or the folder of a merged checkpoint.")
    return content
