"""Two runs on the same items: the mean difference, its interval, and whether chance alone would make it."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.clusters import Clusters
from eval.intervals import (
    LEVEL,
    NORMAL,
    SEED,
    Interval,
    Sums,
    combined,
    graded_intervals,
    is_binary,
    paired_proportion_intervals,
    scale_of,
    sums_of,
)

FLIPS = 10_000
BATCH = 500
MCNEMAR = "McNemar"
TINY = sys.float_info.min
"""The smallest p that is shown: none is 0."""


@dataclass(frozen=True)
class Paired:
    """Two runs on the items that both scored; `difference` is the mean of b - a, `n` the number of items.

    `p` is two-sided: McNemar's exact test where every value is right or wrong and every item a cluster of its own, else
    a sign-flip permutation test of whole clusters. `test` names the one that was used. `adjusted` is p after Holm's
    correction for its family of comparisons, or p alone. `higher` and `lower` are the numbers of items whose value is
    higher or lower in b, 0 where no items are paired: a small difference may be the rest of many changes.
    """

    a: float
    b: float
    difference: float
    interval: Interval
    p: float
    n: int
    clusters: int
    test: str
    adjusted: float
    higher: int = 0
    lower: int = 0

    @property
    def shown(self) -> bool:
        """Whether a difference is shown: its interval leaves 0 out, and the adjusted p is below 0.05."""
        low, high = self.interval
        return not low <= 0 <= high and self.adjusted < 1 - LEVEL


def paired(
    a: Mapping[str, float | None], b: Mapping[str, float | None], clusters: Clusters | None = None
) -> Paired | None:
    """Compare the values of two runs on the items that both scored; None where these are fewer than two clusters."""
    items = [item for item in a if a[item] is not None and b.get(item) is not None]
    first = np.array([a[item] for item in items], dtype=np.float64)
    second = np.array([b[item] for item in items], dtype=np.float64)
    s = sums_of(second - first, [(clusters or {}).get(item, item) for item in items])
    if s is None:
        return None
    binary = is_binary(first) and is_binary(second)
    (low, high), p, test = tested(s, binary=binary, scale=max(scale_of(first), scale_of(second)))
    return Paired(
        a=statistics.fmean(first),
        b=statistics.fmean(second),
        difference=statistics.fmean(second - first),
        interval=(float(low), float(high)),
        p=float(p),
        n=s.n,
        clusters=s.clusters,
        test=test,
        adjusted=float(p),
        higher=int((second > first).sum()),
        lower=int((second < first).sum()),
    )


def tested(s: Sums, *, binary: bool, scale: float = 1.0) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, str]:
    """Return the intervals (...) of mean differences, their p (...), and the name of the test.

    `binary`: the differences are of values 0 and 1; `scale`: how far two graded values can be apart.
    """
    bounds = paired_proportion_intervals(s) if binary else graded_intervals(s, scale)
    if binary and s.clusters == s.n:
        return bounds, mcnemar((s.sums < 0).sum(axis=-1), (s.sums > 0).sum(axis=-1)), MCNEMAR
    return bounds, sign_flip(s.sums), "permutation" if s.clusters == s.n else "cluster permutation"


def average(parts: Sequence[Paired]) -> Paired:
    """Compare the plain means of benchmarks with different items: their errors are independent."""
    weights = [1 / len(parts)] * len(parts)
    differences = [part.difference for part in parts]
    difference = statistics.fmean(differences)
    interval = combined(weights, differences, [part.interval for part in parts])
    p = p_of(difference, interval)
    return Paired(
        a=statistics.fmean(part.a for part in parts),
        b=statistics.fmean(part.b for part in parts),
        difference=difference,
        interval=interval,
        p=p,
        n=sum(part.n for part in parts),
        clusters=sum(part.clusters for part in parts),
        test="z",
        adjusted=p,
        higher=sum(part.higher for part in parts),
        lower=sum(part.lower for part in parts),
    )


def p_of(difference: float, interval: Interval) -> float:
    """Return the two-sided p of a difference from its 95% interval: 0.05 where the interval ends at 0.

    The distance from the difference to the bound on the side of 0 is taken for 1.96 standard errors.
    """
    if difference == 0:
        return 1.0
    low, high = interval
    width = difference - low if difference > 0 else high - difference
    return max(TINY, math.erfc(NORMAL * abs(difference) / width / math.sqrt(2))) if width else TINY


def mcnemar(only_a: np.ndarray, only_b: np.ndarray) -> np.ndarray:
    """Return the two-sided exact p of McNemar's test, a binomial test of the items that one run alone got right."""
    from scipy.special import bdtr  # takes a while to import

    fewer = np.minimum(only_a, only_b)
    return np.clip(2 * bdtr(fewer, only_a + only_b, 0.5), TINY, 1.0)


def sign_flip(sums: np.ndarray) -> np.ndarray:
    """Return the two-sided p of differences summed by cluster (..., G) under random signs of whole clusters.

    Equal runs would have them. p = (1 + flips at least as far from 0) / (1 + flips), so it is never 0 (Phipson and
    Smyth, 2010, "Permutation P-values should never be zero").
    """
    rng = np.random.default_rng(SEED)
    sizes = np.sort(np.abs(sums), axis=-1)
    sizes = sizes[..., sizes.reshape(-1, sizes.shape[-1]).any(axis=0)]  # a sum of 0 has no sign
    # Rounding must not tell apart two sums of the same numbers in another order.
    least = np.abs(sums.sum(axis=-1)) - 1e-9 * (1 + sizes.sum(axis=-1))
    as_far = np.zeros(sums.shape[:-1], dtype=np.int64)
    for _ in range(FLIPS // BATCH):
        signs = 2.0 * rng.integers(0, 2, (sizes.shape[-1], BATCH), dtype=np.int8) - 1
        as_far += (np.abs(sizes @ signs) >= least[..., None]).sum(axis=-1)
    return (1 + as_far) / (1 + FLIPS)


def holm(found: Sequence[Paired]) -> list[Paired]:
    """Return a family of comparisons with p adjusted by Holm's step-down correction (1979).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none is below the one before it. A true null
    hypothesis is then rejected in at most 5% of the families, whatever the dependence.
    """
    order = sorted(range(len(found)), key=lambda place: found[place].p)
    adjusted = list(found)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(found) - rank) * found[place].p))
        adjusted[place] = replace(found[place], adjusted=largest)
    return adjusted
