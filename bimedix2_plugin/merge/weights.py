"""The tensors of a merged checkpoint: where each comes from, what it is called, how much room it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge.names import TIED, TOWER, checkpoint_name, model_name
from bimedix2_plugin.model.compose import mapping
from bimedix2_plugin.model.safetensors_index import Shards

if TYPE_CHECKING:
    import torch

_EMBEDDINGS = "model.embed_tokens.weight"
_TYPES = {"BF16": "bfloat16", "F16": "float16"}


@dataclass(frozen=True)
class Weight:
    """One tensor of the checkpoint.

    Attributes:
        name: in the checkpoint.
        in_model: in `LlavaForConditionalGeneration`.
        stored: in the composed folder's files.
        elements: how many numbers it holds.
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
        RecipeError: the language model or the projector has a tensor that no file holds.
    """
    names, tower = mapping(shards.folder), model.config.vision_config.model_type
    wanted = {name for name in model.state_dict() if not name.startswith(TOWER)}
    if model.config.tie_word_embeddings:
        wanted.discard(TIED)
    weights = []
    for stored, elements in _elements(shards).items():
        name = model_name(stored, names)
        # Old files hold buffers that newer models no longer save; of a tower, composing took the weights alone.
        if name in wanted or name.startswith(TOWER):
            weights.append(Weight(checkpoint_name(name, tower), name, stored, elements))
    missing = wanted - {weight.in_model for weight in weights}
    if missing:
        raise RecipeError(
            f"base_model: {len(missing)} tensors of the model are in no file of {shards.folder}, first {min(missing)}. "
            "Download the base again."
        )
    return weights


def _elements(shards: Shards) -> dict[str, int]:
    """Return how many numbers each tensor has, file by file, from the files' headers."""
    sizes = {}
    for file in shards.files:
        with safe_open(shards.folder / file, framework="pt") as opened:
            for name in sorted(name for name, place in shards.weight_map.items() if place == file):
                sizes[name] = math.prod(opened.get_slice(name).get_shape())
    return sizes


def base_dtype(shards: Shards) -> torch.dtype:
    """Return the type that the base's embeddings are stored in: the checkpoint's, whatever it was trained in."""
    import torch

    with safe_open(shards.folder / shards.weight_map[_EMBEDDINGS], framework="pt") as file:
        stored = file.get_slice(_EMBEDDINGS).get_dtype()
    return getattr(torch, _TYPES.get(stored, "float32"))


def in_groups(weights: list[Weight], limit: int) -> list[list[Weight]]:
    """Deal tensors out to shards of at most `limit` elements, in order; a tensor that is larger has its own."""
    groups: list[list[Weight]] = [[]]
    size = 0
    for weight in weights:
        if groups[-1] and size + weight.elements > limit:
            groups.append([])
            size = 0
        groups[-1].append(weight)
        size += weight.elements
    return groups
