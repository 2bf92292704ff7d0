"""The descriptors by model type, and whose a parameter is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.vision_language.descriptor import VisionLanguageModel
from bimedix2_plugin.model.vision_language.gemma3 import Gemma3
from bimedix2_plugin.model.vision_language.llava import Llava
from bimedix2_plugin.model.vision_language.qwen_vl import QwenVl

DESCRIPTORS: tuple[type[VisionLanguageModel], ...] = (Llava, Gemma3, QwenVl)
BY_TYPE = {model_type: kind for kind in DESCRIPTORS for model_type in kind.MODEL_TYPES}

# Modules without their leading `model.`: PEFT, DDP and FSDP put names of their own before it.
_PROJECTORS = tuple(sorted({f".{name.removeprefix('model.')}." for kind in DESCRIPTORS for name in kind.PROJECTOR}))
_TOWERS = tuple(sorted({f".{kind.TOWER.removeprefix('model.')}." for kind in DESCRIPTORS}))


def sees(config: dict[str, Any]) -> bool:
    """Whether a model's config.json is that of a vision-language model, known here or not."""
    return "vision_config" in config or config.get("model_type") in BY_TYPE


def kind_of(name: str, config: dict[str, Any]) -> type[VisionLanguageModel]:
    """Look up a descriptor by a config's model type.

    Raises:
        RecipeError: the model type is not a supported vision-language model.
    """
    model_type = config.get("model_type")
    if model_type not in BY_TYPE:
        raise RecipeError(
            f"base_model: {name} is of model type {model_type!r}, which is not a supported vision-language model. "
            f"Supported: {', '.join(sorted(BY_TYPE))}; or a language model together with a vision_tower."
        )
    return BY_TYPE[model_type]


def of_folder(folder: str | Path) -> VisionLanguageModel:
    """Return the descriptor for a checkpoint's folder."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    return kind_of(str(folder), config)(folder)


def of_model(model: Any) -> type[VisionLanguageModel]:
    """Return the descriptor's class for a loaded model, wrapped by PEFT or not."""
    return BY_TYPE[model.config.model_type]


def is_projector(name: str) -> bool:
    """Whether a parameter is the projector's, wrapped by PEFT or not; PEFT's frozen copy of the original is not."""
    return any(part in f".{name}" for part in _PROJECTORS) and ".original_module." not in name


def projector_name(name: str) -> str:
    """Return a projector parameter's name without what stands before the projector's own: `model.`, PEFT's, FSDP's."""
    plain = f".{name}".replace(".modules_to_save.default", "")
    return next(plain[plain.index(part) + 1 :] for part in _PROJECTORS if part in plain)


def is_tower(name: str) -> bool:
    """Whether a parameter is the vision module's, and not the projector's."""
    return any(part in f".{name}" for part in _TOWERS) and not any(part in f".{name}" for part in _PROJECTORS)
