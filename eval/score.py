"""One score, with what it takes to believe it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Subgroup = dict[str, str]


@dataclass(frozen=True)
class Score:
    """One metric over one subgroup of one predictions file.

    `value` is the mean over the `n` scored items and `stderr` its standard error, the sample standard deviation
    over sqrt(n); both are None where they are not defined. `unscored` counts the items that belong here and have
    no score; they are in no mean. `subgroup` may name a language and a task (a question kind); empty means all.
    `interval` is a bootstrap interval of 95%, where one is computed. `unit` is "fraction" (shown in percent) or
    "score" (shown as it is). `note` says why there is no value, or what must be known to read it.
    """

    name: str
    metric: str
    value: float | None
    n: int
    stderr: float | None
    unscored: int
    subgroup: Subgroup
    interval: tuple[float, float] | None = None
    unit: str = "fraction"
    note: str = ""


def standard_error(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation (n - 1) over sqrt(n), or None for fewer than two values."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
