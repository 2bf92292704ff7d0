"""The tensors of a merged checkpoint: their source, names and sizes.

A tensor has up to three names: in the files of its base or tower, in the model, and in a LLaVA checkpoint. The
checkpoint's names are those of the llava-hf repositories, which other programs read. transformers itself writes a CLIP
tower without `vision_model.`, and vLLM cannot load that.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import mapping
from bimedix2_plugin.model.safetensors_index import Shards

if TYPE_CHECKING:
    import torch

TOWER = "model.vision_tower."
_TIED = "lm_head.weight"  # the embeddings again, if the configuration ties them; never in a file
_INSIDE_VISION_MODEL = ("clip_vision_model", "siglip_vision_model")
_EMBEDDINGS = "model.embed_tokens.weight"
_TYPES = {"BF16": "bfloat16", "F16": "float16"}


@dataclass(frozen=True)
class Weight:
    """One tensor of the checkpoint.

    Attributes:
        name: in the checkpoint.
        in_model: in `LlavaForConditionalGeneration`.
        stored: in the composed folder's files.
        elements: number of elements.
    """

    name: str
    in_model: str
    stored: str
    elements: int


def weights_of(shards: Shards, model: Any) -> list[Weight]:
    """List the tensors of a composed folder that the model has, in the order of the files.

    Args:
        shards: the composed folder's files.
        model: the LLaVA model, on any device; its weights are not read.

    Raises:
        RecipeError: a tensor of the language model or the projector is in no file.
    """
    names, tower = mapping(shards.folder), model.config.vision_config.model_type
    wanted = {name for name in model.state_dict() if not name.startswith(TOWER)}
    if model.config.tie_word_embeddings:
        wanted.discard(_TIED)
    weights = []
    for stored, elements in _elements(shards).items():
        name = model_name(stored, names)
        # Old files hold buffers that newer models no longer save; of the tower, composing linked only the weights.
        if name in wanted or name.startswith(TOWER):
            weights.append(Weight(checkpoint_name(name, tower), name, stored, elements))
    missing = wanted - {weight.in_model for weight in weights}
    if missing:
        raise RecipeError(
            f"base_model: {len(missing)} tensors of the model are in no file of {shards.folder}, first {min(missing)}. "
            "Download the base again."
        )
    return weights


def model_name(stored: str, mapping: dict[str, str]) -> str:
    """Return the model's name for a tensor of a composed folder, for the tower up to its own class's renaming.

    Args:
        stored: its name in the file.
        mapping: the folder's key mapping, pattern to replacement; the first match applies.
    """
    for pattern, replacement in mapping.items():
        if re.search(pattern, stored):
            return re.sub(pattern, replacement, stored, count=1)
    return stored


def checkpoint_name(name: str, tower_type: str) -> str:
    """Return a LLaVA checkpoint's name for a tensor.

    Args:
        name: as `model_name` returns it.
        tower_type: model type of the vision configuration.
    """
    if name == _TIED:
        return f"language_model.{name}"
    if name.startswith(TOWER) and tower_type in _INSIDE_VISION_MODEL:
        return name.replace(TOWER, "vision_tower.vision_model.", 1)
    return name.removeprefix("model.").replace("language_model.", "language_model.model.", 1)


def _elements(shards: Shards) -> dict[str, int]:
    """Return the number of elements of each tensor, file by file, from the files' headers."""
    sizes = {}
    for file in shards.files:
        with safe_open(shards.folder / file, framework="pt") as opened:
            for name in sorted(name for name, place in shards.weight_map.items() if place == file):
                sizes[name] = math.prod(opened.get_slice(name).get_shape())
    return sizes


def base_dtype(shards: Shards) -> torch.dtype:
    """Return the type of the base's stored embeddings, which the checkpoint gets, whatever it was trained in."""
    import torch

    with safe_open(shards.folder / shards.weight_map[_EMBEDDINGS], framework="pt") as file:
        stored = file.get_slice(_EMBEDDINGS).get_dtype()
    return getattr(torch, _TYPES.get(stored, "float32"))


def in_groups(weights: list[Weight], limit: int) -> list[list[Weight]]:
    """Group tensors, in order, into shards of at most `limit` elements; a larger tensor gets a shard of its own."""
    groups: list[list[Weight]] = [[]]
    size = 0
    for weight in weights:
        if groups[-1] and size + weight.elements > limit:
            groups.append([])
            size = 0
        groups[-1].append(weight)
        size += weight.elements
    return groups
