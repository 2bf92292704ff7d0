"""Tensor names: as the parts' files have them, as the model has them, as a LLaVA checkpoint has them.

The checkpoint's are those of the llava-hf repositories, which other programs read. transformers itself writes a CLIP
tower without `vision_model.`, and vLLM refuses that.
"""

from __future__ import annotations

import re

TIED = "lm_head.weight"  # the embeddings once more, where the configuration ties them: never in a file
TOWER = "model.vision_tower."
_INSIDE_VISION_MODEL = ("clip_vision_model", "siglip_vision_model")


def model_name(stored: str, mapping: dict[str, str]) -> str:
    """Name a tensor of a composed folder's files as the model does, a tower's up to what its own class renames.

    Args:
        stored: its name in the file.
        mapping: the folder's key mapping, pattern to replacement; the first that matches holds.
    """
    for pattern, replacement in mapping.items():
        if re.search(pattern, stored):
            return re.sub(pattern, replacement, stored, count=1)
    return stored


def checkpoint_name(name: str, tower_type: str) -> str:
    """Name a tensor as a LLaVA checkpoint does.

    Args:
        name: what `model_name` gives.
        tower_type: model type of the vision configuration.
    """
    if name == TIED:
        return f"language_model.{name}"
    if name.startswith(TOWER) and tower_type in _INSIDE_VISION_MODEL:
        return name.replace(TOWER, "vision_tower.vision_model.", 1)
    return name.removeprefix("model.").replace("language_model.", "language_model.model.", 1)
