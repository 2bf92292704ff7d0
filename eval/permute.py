"""Give every row the picture of another row: a model that still answers does not look at the picture."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from eval.errors import EvalError

Row = dict[str, Any]
Keys = Sequence[str]


def permute_images(rows: Sequence[Row], seed: int) -> list[Row]:
    """Return the rows with the images exchanged between them; text-only rows are left alone.

    Every image row gets the images of another row whose first image is a different one. Rows exchange with rows
    of the same number of images, each row giving its images away once, wherever this is possible.

    Raises:
        EvalError: all image rows begin with the same image, so there is nothing to exchange.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row["images"]:
            groups[len(row["images"])].append(place)
    given = [list(row["images"] or []) for row in rows]
    rng = random.Random(seed)
    donors = {row: donor for group in groups.values() for row, donor in _donors(group, given, rng).items()}
    return [
        {**row, "images": _exactly(len(given[place]), given[donors[place]])} if place in donors else row
        for place, row in enumerate(rows)
    ]


def _donors(group: list[int], images: Sequence[Keys], rng: random.Random) -> dict[int, int]:
    """Map each row of a group (all with as many images) to the row whose images it gets."""
    counts = Counter(images[place][0] for place in group)
    shuffled = rng.sample(sorted(counts), len(counts))
    rank = {key: number for number, key in enumerate(shuffled)}
    order = sorted(rng.sample(group, len(group)), key=lambda place: rank[images[place][0]])
    shift = max(counts.values())
    # Equal first images stand side by side, at most `shift` of them: a rotation by `shift` separates them all,
    # as long as it does not come round to the same run from behind.
    if 2 * shift <= len(order):
        return dict(zip(order, order[shift:] + order[:shift], strict=True))
    return {place: _any_donor(place, order, images, rng) for place in order}


def _any_donor(place: int, group: list[int], images: Sequence[Keys], rng: random.Random) -> int:
    """Pick a row with another first image: from the group if it has one, else from all rows."""
    for pool in (group, range(len(images))):
        candidates = [other for other in pool if images[other] and images[other][0] != images[place][0]]
        if candidates:
            return rng.choice(candidates)
    raise EvalError("Images cannot be permuted: every row of this split shows the same first image.")


def _exactly(count: int, keys: Keys) -> list[str]:
    return list(itertools.islice(itertools.cycle(keys), count))
