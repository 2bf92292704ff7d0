"""The batches of a run: questions about the same images side by side, prompts of one length together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from eval.items import Item

MOST_IMAGES = 256
"""Distinct images of one batch: decoded, each takes a few megabytes, and a batch of vLLM has thousands of items."""


def batches_of(items: Sequence[Item], lengths: Mapping[str, int], size: int) -> list[list[Item]]:
    """Sort items into batches; the same items give the same batches, in whatever order they come.

    Questions about the same images are neighbours, and are only parted where they are more than `size`, so that an
    engine reads those images once. Other items are sorted by task and length: prompts of one length need little
    padding, and answers to one task end at about the same step. Most images and longest prompts come first.

    Args:
        items: with unique ids.
        lengths: of the items' prompts, by id.
        size: maximal number of items in a batch.
    """
    ordered = sorted(items, key=lambda item: (item.images, -lengths[item.id], item.id))
    groups = [list(group) for _, group in groupby(ordered, key=lambda item: item.images)]
    units = [unit for group in groups for unit in _units(group, size)]
    units.sort(key=lambda unit: (_kind(unit), -lengths[unit[0].id], unit[0].images, unit[0].id))
    batches: list[list[Item]] = []
    images: set[str] = set()
    for unit in units:
        # Items with images and items without never share a batch.
        full = not batches or len(batches[-1]) + len(unit) > size or bool(images) != bool(unit[0].images)
        if full or len(images | set(unit[0].images)) > MOST_IMAGES:
            batches.append([])
            images = set()
        batches[-1] += unit
        images |= set(unit[0].images)
    return batches


def _units(group: list[Item], size: int) -> list[list[Item]]:
    """Part the items with the same images into what stays together; those without images stand alone."""
    step = size if group[0].images else 1
    return [group[start : start + step] for start in range(0, len(group), step)]


def _kind(unit: Sequence[Item]) -> tuple[int, list[str]]:
    return -len(unit[0].images), sorted({item.task for item in unit})
