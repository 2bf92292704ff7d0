"""The tensors of a merged checkpoint: their source, names and sizes.

A tensor has up to three names: in the files of its base or tower, in the model, and in the checkpoint. A composed
model's checkpoint has the names of the llava-hf repositories, which other programs read. transformers itself writes a
CLIP tower without `vision_model.`, and vLLM cannot load that. A native model's keeps the names of its base's files.
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
from bimedix2_plugin.model.stored_names import native_names
from bimedix2_plugin.model.vision_language.registry import is_tower

if TYPE_CHECKING:
    import torch

TOWER = "model.vision_tower."
_TIED = "lm_head.weight"  # the embeddings again, if the configuration ties them; never in a file
_INSIDE_VISION_MODEL = ("clip_vision_model", "siglip_vision_model")
_EMBEDDINGS = "embed_tokens.weight"
_TYPES = {"BF16": "bfloat16", "F16": "float16"}


@dataclass(frozen=True)
class Weight:
    """One tensor of the checkpoint.

    Attributes:
        name: in the checkpoint.
        in_model: in transformers' model.
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
        model: the vision-language model, on any device; its weights are not read.

    Raises:
        RecipeError: a tensor of the language model or the projector is in no file.
    """
    names = _names(shards, model)
    wanted = {name for name in model.state_dict() if not is_tower(name)}
    if model.config.tie_word_embeddings:
        wanted.discard(_TIED)
    weights = []
    for stored, elements in _elements(shards).items():
        name, saved = names[stored]
        # Old files hold buffers that newer models no longer save; of the tower, composing linked only the weights.
        if name in wanted or is_tower(name):
            weights.append(Weight(saved, name, stored, elements))
    missing = wanted - {weight.in_model for weight in weights}
    if missing:
        raise RecipeError(
            f"base_model: {len(missing)} tensors of the model are in no file of {shards.folder}, first {min(missing)}. "
            "Download the base again."
        )
    return weights


def _names(shards: Shards, model: Any) -> dict[str, tuple[str, str]]:
    """Return for each stored tensor its name in the model, and in the checkpoint."""
    composed = mapping(shards.folder)
    if composed is None:
        return {stored: (name, stored) for stored, name in native_names(shards.weight_map, model).items()}
    tower = model.config.vision_config.model_type
    inside = {stored: model_name(stored, composed) for stored in shards.weight_map}
    renamed = native_names(inside.values(), model)  # some towers' classes have other names than their files
    return {stored: (renamed[name], checkpoint_name(name, tower)) for stored, name in inside.items()}


def model_name(stored: str, mapping: dict[str, str]) -> str:
    """Return the name for a tensor of a composed folder by which LLaVA's class reads it from a checkpoint.

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

    name = next(name for name in shards.weight_map if name.endswith(_EMBEDDINGS))
    with safe_open(shards.folder / shards.weight_map[name], framework="pt") as file:
        stored = file.get_slice(name).get_dtype()
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
