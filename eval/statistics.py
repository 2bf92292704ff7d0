"""How sure a number is: means with their standard error and bootstrap interval.

The interval is the percentile bootstrap's (Efron and Tibshirani, 1993, chapter 13): items are drawn again with
replacement, and the middle 95% of the means are kept. It is seeded and does not depend on the order of the items. Where
all items score alike it has no width; that says nothing about other items.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from eval.items import Prediction
from eval.score import Score, Subgroup, standard_error

RESAMPLES = 1000
LEVEL = 0.95
NORMAL = 1.96
"""Standard errors to each side that hold 95% of a normal distribution."""
SEED = 0
BATCH = 100

Values = Mapping[str, Mapping[str, float | None]]
"""Metric -> item id -> value. None: the item belongs to the metric and could not be scored. Absent: not its item."""
Group = tuple[Subgroup, Collection[str]]
"""A subgroup and the ids of its items."""


def subgroups(lines: Sequence[Prediction], *keys: str) -> list[Group]:
    """Return all items as the group {}, then for each key its groups {key: value}, where it has several values.

    A key is one of the prediction line or, where the line has none of that name, of its `facts`.
    """
    groups: list[Group] = [({}, {line.item for line in lines})]
    for key in keys:
        found: dict[str, set[str]] = {}
        for line in lines:
            found.setdefault(line.of(key), set()).add(line.item)
        if len(found) > 1:
            groups += [({key: value}, found[value]) for value in sorted(found) if value]
    return groups


def scores_from_values(
    name: str, values: Values, groups: Iterable[Group] = (), *, unit: str = "fraction"
) -> list[Score]:
    """Score every metric over every group: the mean of its items' values, with all that a Score tells.

    `name` is the predictions file's stem. Without `groups` each metric is scored over all its items. A group that has
    no item of a metric, scored or not, gives no score for it.
    """
    scores: list[Score] = []
    groups = list(groups) or [({}, {item for items in values.values() for item in items})]
    for subgroup, members in groups:
        for metric, items in values.items():
            found = [value for item, value in items.items() if item in members]
            if found or not subgroup:
                scores.append(mean_score(name, metric, found, subgroup, unit=unit))
    return scores


def mean_score(
    name: str, metric: str, values: Sequence[float | None], subgroup: Subgroup | None = None, *, unit: str = "fraction"
) -> Score:
    """Score one metric over one group of items; None among the values counts as unscored."""
    scored = [float(value) for value in values if value is not None]
    return Score(
        name=name,
        metric=metric,
        value=statistics.fmean(scored) if scored else None,
        n=len(scored),
        stderr=standard_error(scored),
        unscored=len(values) - len(scored),
        subgroup=subgroup or {},
        interval=bootstrap_interval(scored),
        unit=unit,
    )


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval (95%) of the mean, or None for fewer than two values."""
    if len(values) < 2:
        return None
    return middle(resampled_means(np.asarray(values, dtype=np.float64)))


def resampled_means(values: np.ndarray) -> np.ndarray:
    """Return the means of RESAMPLES draws of all items with replacement, from (n,) to (RESAMPLES,)."""
    rng = np.random.default_rng(SEED)
    distinct, counts = np.unique(values, return_counts=True)
    if 8 * len(distinct) < len(values):
        # How often each distinct value is drawn is multinomial: the same distribution, without drawing items.
        return rng.multinomial(len(values), counts / len(values), size=RESAMPLES) @ distinct / len(values)
    ordered = np.sort(values)
    draws = (rng.integers(0, len(values), (BATCH, len(values))) for _ in range(RESAMPLES // BATCH))
    return np.concatenate([ordered[draw].mean(axis=1) for draw in draws])


def middle(samples: np.ndarray) -> tuple[float, float]:
    """Return the bounds of the middle 95%."""
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
