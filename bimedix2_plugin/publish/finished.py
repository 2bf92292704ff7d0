"""Whether a folder is a merged checkpoint that is finished, and which of its files the Hub gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.safetensors_index import read_shards

COMPOSITION, CARD = "composition.json", "README.md"
_NEEDED = ("config.json", "generation_config.json", "tokenizer_config.json", "processor_config.json")
_STARTS = ("language_model.", "vision_tower.", "multi_modal_projector.")
_GOES = ("*.json", "*.jinja", "*.model", "*.safetensors", CARD)
_REMEDY = "Run `axolotl merge-lora RECIPE` to its end, and name the folder `merged` that it writes"


def composition_of(folder: Path) -> dict[str, Any]:
    """Read what a finished merged checkpoint is made of.

    Raises:
        RecipeError: the folder is something else, or lacks a part; all that it lacks is told.
    """
    if not (folder / COMPOSITION).is_file():
        raise RecipeError(f"{folder}: not a finished merged checkpoint: it holds no {COMPOSITION}. {_REMEDY}.")
    problems = [f"holds no {name}" for name in _NEEDED if not (folder / name).is_file()]
    if (folder / "adapter_config.json").is_file():
        problems.append("is an adapter or a training run's output")
    else:
        problems += _weight_problems(folder)
    if problems:
        raise RecipeError(f"{folder}: not a finished merged checkpoint: it {', and it '.join(problems)}. {_REMEDY}.")
    content: dict[str, Any] = json.loads((folder / COMPOSITION).read_text(encoding="utf-8"))
    return content


def _weight_problems(folder: Path) -> list[str]:
    try:
        names = read_shards("checkpoint", folder).weight_map
    except RecipeError as error:
        return [f"has no whole set of weights ({error})"]
    odd = [name for name in names if not name.startswith(_STARTS)]
    return [f"names its tensors otherwise than a LLaVA checkpoint (first {min(odd)})"] if odd else []


def files_of(folder: Path, composition: dict[str, Any]) -> list[Path]:
    """List the files that go to the Hub, sorted; a composition that names folders of this machine stays here."""
    local = any(composition[part]["revision"] == "local" for part in ("base", "tower"))
    files = {file for pattern in _GOES for file in folder.glob(pattern) if file.is_file()}
    return sorted(files - {folder / COMPOSITION} if local else files)
