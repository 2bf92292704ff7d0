"""Which rows a reviewer sees: strata in proportion, drawn by a seed, with a part that all reviewers see."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from data_prep.curate.review.curated import Brief


@dataclass(frozen=True)
class Plan:
    """How rows are given to reviewers.

    Attributes:
        sample: rows for each reviewer of those that passed the checks.
        seed: the same seed gives the same rows.
        share: the part of a reviewer's rows that every other reviewer gets too.
        waiting: rows for each reviewer of those that wait for review; None: all of them to the first.
    """

    sample: int = 400
    seed: int = 0
    share: float = 0.2
    waiting: int | None = None


def given_to(rows: Iterable[Brief], plan: Plan, part: int) -> list[Brief]:
    """The rows of reviewer number `part`, from 0, in the order in which the page shows them.

    Rows that wait for review come first. Each reviewer gets the shared rows, and others that no other part has.
    """
    waiting: list[Brief] = []
    passed: list[Brief] = []
    for row in rows:
        (waiting if row.waits else passed).append(row)
    of_waiting = len(waiting) if plan.waiting is None else plan.waiting
    return _block(waiting, of_waiting, plan, part) + _block(passed, plan.sample, plan, part)


def ordered(rows: Iterable[Brief], seed: int) -> list[Brief]:
    """The rows in an order of which every beginning has the strata (source, modality, language, first failed check) in
    proportion: systematic sampling with a random start in each stratum (Cochran, Sampling Techniques, chapter 8).
    """
    strata: dict[tuple[str, ...], list[Brief]] = defaultdict(list)
    for row in rows:
        strata[row.source, row.modality, row.language, row.check].append(row)
    placed: list[tuple[float, str, Brief]] = []
    for stratum, members in strata.items():
        draw = random.Random(f"{seed} {stratum}")
        members.sort(key=lambda row: row.id)
        draw.shuffle(members)
        start = draw.random()
        placed += [((rank + start) / len(members), row.id, row) for rank, row in enumerate(members)]
    return [row for _, _, row in sorted(placed, key=lambda one: one[:2])]


def _block(rows: list[Brief], size: int, plan: Plan, part: int) -> list[Brief]:
    """The first `share` of `size` rows, which are every reviewer's, and the part's own."""
    drawn = ordered(rows, plan.seed)
    size = min(size, len(drawn))
    shared = round(plan.share * size)
    own = size - shared
    start = shared + part * own
    block = drawn[:shared] + drawn[start : start + own]
    random.Random(f"{plan.seed} order").shuffle(block)
    return block
