"""The facts of a model card, read from the merged checkpoint, its recipe, the data's manifests and the scores."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.model.projector import FINISHED, PREFIX
from bimedix2_plugin.model.safetensors_index import read_shards
from bimedix2_plugin.recipe import hyperparameters, read

CARD = "README.md"
_NEEDED = ("config.json", "generation_config.json", "tokenizer_config.json", "processor_config.json")
_STARTS = ("language_model.", "vision_tower.", PREFIX)  # of a composed model's tensors
_ANY_CLASS = "AutoModelForImageTextToText"
_PUBLISHED = ("*.json", "*.jinja", "*.model", "*.safetensors", CARD)
_REMEDY = "Run `axolotl merge-lora RECIPE` to the end, and name the folder `merged` that it writes"


@dataclass(frozen=True)
class Facts:
    """Everything that a card states.

    Attributes:
        folder: the merged checkpoint.
        composition: its base, tower and projector; no tower where the base brought its own.
        architecture: its class in transformers, and its model type.
        hyperparameters: of the recipe, if one is given.
        first_stage: hyperparameters of the projector's stage 1, if its folder is here.
        manifests: of the datasets of the recipe and its stage 1.
        missing: names of the datasets without a manifest here.
        scores: entries of `scores.json`, if a results folder is given.
        datasets: their names on the Hub.
        licence: the Hub's identifier; None for the base's.
    """

    folder: Path
    composition: dict[str, Any]
    architecture: tuple[str, str]
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    first_stage: dict[str, Any] = field(default_factory=dict)
    manifests: tuple[dict[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    scores: tuple[dict[str, Any], ...] = ()
    datasets: tuple[str, ...] = ()
    licence: str | None = None

    @property
    def base(self) -> str:
        """The language model's name; only the last part of a local path."""
        return _name(self.composition["base"])

    @property
    def tower(self) -> str | None:
        """The vision tower's name, likewise; None where the base brought its own."""
        return _name(self.composition["tower"]) if "tower" in self.composition else None

    @property
    def on_hub(self) -> list[str]:
        """Names of the parts that come from the Hub."""
        return [part["name"] for part in parts_of(self.composition).values() if part["revision"] != "local"]


def parts_of(composition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the models that a checkpoint was made of: "base" and, unless the base brought its own, "tower"."""
    return {key: composition[key] for key in ("base", "tower") if key in composition}


def read_facts(
    target: Path, results: Path | None = None, datasets: tuple[str, ...] = (), licence: str | None = None
) -> Facts:
    """Read the facts of a merged checkpoint.

    Args:
        target: its recipe, or its folder; without the recipe, data and hyperparameters are unknown.
        results: `python -m eval`'s folder with scores.json.
        datasets: names on the Hub of the training data.
        licence: the Hub's identifier of the checkpoint's licence.

    Raises:
        RecipeError: the checkpoint is incomplete, or a file cannot be read.
    """
    recipe = {} if target.is_dir() else read(target)
    folder = target if target.is_dir() else Path(str(recipe.get("output_dir") or "./model-out")) / "merged"
    composition = composition_of(folder)
    config = _json(folder / "config.json")
    first = _finished(composition["projector"].get("init_from")) if recipe else {}
    own = _finished(str(folder.parent)) if recipe else {}
    ranks = {key: value for key, value in (own.get("hyperparameters") or {}).items() if key == "ranks"}
    paths = [Path(str(entry.get("path"))) for entry in recipe.get("datasets") or []]
    paths += [path for path in map(Path, first.get("datasets") or []) if path not in paths]
    there = [path for path in paths if (path / "manifest.json").is_file()]
    return Facts(
        folder=folder,
        composition=composition,
        architecture=((config.get("architectures") or [_ANY_CLASS])[0], config.get("model_type", "")),
        hyperparameters=hyperparameters(recipe) | ranks,
        first_stage=first.get("hyperparameters") or {},
        manifests=tuple(_json(path / "manifest.json") for path in there),
        missing=tuple(path.name for path in paths if path not in there),
        scores=tuple(_json(results / "scores.json")) if results else (),
        datasets=datasets,
        licence=licence,
    )


def _finished(folder: str | None) -> dict[str, Any]:
    """Return the content of a run's `finished.json`, or nothing if the run or the file does not exist."""
    file = Path(folder or "") / FINISHED
    return _json(file) if folder and file.is_file() else {}


def _name(part: dict[str, Any]) -> str:
    return Path(part["name"]).name if part["revision"] == "local" else str(part["name"])


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: cannot be read ({error}). Make it again.") from error


def composition_of(folder: Path) -> dict[str, Any]:
    """Return a complete merged checkpoint's `composition.json`.

    Raises:
        RecipeError: the folder is not a merged checkpoint, or is incomplete; lists everything that is missing.
    """
    if not (folder / COMPOSITION).is_file():
        raise RecipeError(f"{folder}: not a complete merged checkpoint: it holds no {COMPOSITION}. {_REMEDY}.")
    problems = [f"holds no {name}" for name in _NEEDED if not (folder / name).is_file()]
    if (folder / "adapter_config.json").is_file():
        problems.append("is an adapter or a training run's output")
    else:
        problems += _weight_problems(folder, composed="tower" in _json(folder / COMPOSITION))
    if problems:
        raise RecipeError(f"{folder}: not a complete merged checkpoint: it {', and it '.join(problems)}. {_REMEDY}.")
    content: dict[str, Any] = json.loads((folder / COMPOSITION).read_text(encoding="utf-8"))
    return content


def _weight_problems(folder: Path, *, composed: bool) -> list[str]:
    try:
        names = read_shards("checkpoint", folder).weight_map
    except RecipeError as error:
        return [f"has no complete set of weights ({error})"]
    odd = [name for name in names if composed and not name.startswith(_STARTS)]
    return [f"has tensor names that a LLaVA checkpoint does not have (first {min(odd)})"] if odd else []


def files_of(folder: Path, composition: dict[str, Any]) -> list[Path]:
    """Return the files to push, sorted; without a `composition.json` that names local folders."""
    local = any(part["revision"] == "local" for part in parts_of(composition).values())
    files = {file for pattern in _PUBLISHED for file in folder.glob(pattern) if file.is_file()}
    return sorted(files - {folder / COMPOSITION} if local else files)
