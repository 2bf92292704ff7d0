"""The keys and values of the last conversation, kept so that its next turn computes only what is new."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

POSITIONS_BY_COUNT = {"default", "linear", "llama3", "yarn"}
"""Rotary embeddings that depend on a token's position alone, not on the length of the whole text."""

Mark = int | str
"""A token's id, or for the placeholder of an image the image's key: two images have the same placeholder."""


def can_keep(model: Any) -> bool:
    """Tell whether the cache of a model can be cut at any token and continued.

    Not with a sliding window or recurrent layers, whose older state is gone, nor with positions that depend on the
    images (M-RoPE) or on the length of the text.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    text = model.config.get_text_config(decoder=True)
    rope = getattr(text, "rope_parameters", None) or {}
    by_count = rope.get("rope_type", "default") in POSITIONS_BY_COUNT and "mrope_section" not in rope
    layers = DynamicCache(config=model.config).layers
    return by_count and bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


class KeptCache:
    """A cache and what is in it: one mark for each token, an image with all its placeholders being one."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.placeholders = 1
        self.cache: Any = None

    def clear(self) -> None:
        """Forget everything."""
        self.marks, self.cache = [], None

    def keep(self, marks: Sequence[Mark], placeholders: int, cache: Any) -> None:
        """Keep a cache; marks beyond its length, such as the last token's, are not in it.

        Args:
            marks: of the tokens that were computed.
            placeholders: tokens of one image.
            cache: of transformers, for a batch of one.
        """
        self.placeholders, self.cache = placeholders, cache
        self.marks = list(marks)
        while self.marks and self.length(self.marks) > cache.get_seq_length():
            self.marks.pop()

    def take(self, marks: Sequence[Mark]) -> tuple[Any, int]:
        """Cut the cache down to what it has in common with a prompt, and hand it over.

        Args:
            marks: of the prompt; at least its last one is left to compute.

        Returns:
            The cache (None if nothing is in common), and how many of the marks are in it.
        """
        pairs = zip(self.marks, marks[:-1], strict=False)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        cache = self.cache if common else None
        if cache is not None and (beyond := cache.get_seq_length() - self.length(marks[:common])):
            cache.crop(-beyond)
        self.clear()
        return cache, common if cache is not None else 0

    def length(self, marks: Sequence[Mark]) -> int:
        """Count the tokens of marks."""
        return sum(self.placeholders if isinstance(mark, str) else 1 for mark in marks)
