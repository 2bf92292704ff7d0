"""What generate() takes for a conversation: of the part that a kept cache lacks, its tokens and its images' pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval.chat.kept_cache import KeptCache, Mark
from eval.engines.engine import Request
from eval.engines.transformers_engine import TransformersEngine

TOKEN_INPUTS = {"input_ids", "attention_mask", "pixel_values"}
"""Inputs of models whose image features stand in the places of equal placeholders; others need more to be right."""


@dataclass(frozen=True)
class Prepared:
    """Inputs of generate(), and what they are to a KeptCache.

    Attributes:
        inputs: with `past_key_values` if the cache is kept; pixels are those of the images that it lacks.
        marks: of the whole prompt.
        placeholders: tokens of one image; 0 if the cache must not be kept.
    """

    inputs: dict[str, Any]
    marks: list[Mark]
    placeholders: int = 0

    @property
    def length(self) -> int:
        """Tokens of the whole prompt."""
        return int(self.inputs["input_ids"].shape[1])


def prepare(engine: TransformersEngine, request: Request, kept: KeptCache | None) -> Prepared:
    """Make the inputs for a prompt, with what `kept` has of it; None computes all of it, and keeps nothing."""
    marks = _marks(engine, request)
    if kept is None:
        return Prepared(dict(engine.inputs([request])), marks)
    placeholders = kept.placeholders
    cache, common = kept.take(marks)
    found = _continued(engine, request, marks[:common], marks, placeholders) if cache is not None else None
    if found is None:
        from transformers import DynamicCache

        found, cache = _whole(engine, request, marks), DynamicCache(config=engine.model.config)
    if found.placeholders:
        found.inputs["past_key_values"] = cache
    return found


def _marks(engine: TransformersEngine, request: Request) -> list[Mark]:
    ids = engine.prompts.token_ids(request.prompt)
    if not request.images:
        return list(ids)
    placeholder = engine.processor.image_token_id
    keys = iter(request.item.images)
    return [next(keys) if token == placeholder else token for token in ids]


def _whole(engine: TransformersEngine, request: Request, marks: list[Mark]) -> Prepared:
    inputs = dict(engine.inputs([request]))
    ids = inputs["input_ids"][0].tolist()
    images = len(request.images)
    each, rest = divmod(len(ids) - len(marks) + images, images) if images else (1, 0)
    regular = not rest and not inputs.keys() - TOKEN_INPUTS and ids == _expanded(engine, marks, each)
    return Prepared(inputs, marks, each if regular else 0)


def _continued(
    engine: TransformersEngine, request: Request, old: Sequence[Mark], marks: list[Mark], placeholders: int
) -> Prepared | None:
    """Make the inputs after the cached marks `old`; None if an image takes more or fewer tokens than before."""
    import torch

    known = sum(isinstance(mark, str) for mark in old)
    new = [image.image for image in request.images[known:]]
    pixels: dict[str, Any] = {}
    if new:
        text = engine.processor.image_token * len(new)
        pixels = dict(engine.processor(text=[text], images=[new], add_special_tokens=False, return_tensors="pt"))
        each, rest = divmod(pixels["input_ids"].shape[1], len(new))
        if rest or pixels.keys() - TOKEN_INPUTS or (known and each != placeholders):
            return None
        placeholders = each
    device = engine.model.device
    ids = torch.tensor([_expanded(engine, marks, placeholders)], device=device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if new:
        inputs["pixel_values"] = pixels["pixel_values"].to(device, engine.model.dtype)
    return Prepared(inputs, marks, placeholders)


def _expanded(engine: TransformersEngine, marks: Sequence[Mark], placeholders: int) -> list[int]:
    """Return the tokens of marks, each image as its placeholders."""
    ids: list[int] = []
    for mark in marks:
        ids += [mark] if isinstance(mark, int) else [engine.processor.image_token_id] * placeholders
    return ids
