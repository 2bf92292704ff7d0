"""Two runs on the same items: the mean difference, its interval, and whether chance alone would make it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.scores import BATCH, LEVEL, NORMAL, RESAMPLES, SEED, percentile_interval, resampled_means


@dataclass(frozen=True)
class Paired:
    """Two runs on the items that both scored; `difference` is the mean of b - a, `n` the number of items.

    `p` is two-sided: McNemar's exact test where every value is right or wrong, else a sign-flip permutation test.
    `test` names the one that was used. `stderr` is the standard error of the difference.
    """

    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    p: float
    n: int
    test: str
    stderr: float

    @property
    def shown(self) -> bool:
        """Whether a difference is shown: its interval leaves 0 out, and p is below 0.05."""
        low, high = self.interval
        return not low <= 0 <= high and self.p < 1 - LEVEL


def paired(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> Paired | None:
    """Compare the values of two runs on the items that both scored; None where there are fewer than two."""
    items = sorted(item for item in a if a[item] is not None and b.get(item) is not None)
    if len(items) < 2:
        return None
    first = np.array([a[item] for item in items], dtype=np.float64)
    second = np.array([b[item] for item in items], dtype=np.float64)
    differences = second - first
    binary = bool(np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all())
    return Paired(
        a=float(first.mean()),
        b=float(second.mean()),
        difference=float(differences.mean()),
        interval=percentile_interval(resampled_means(differences)),
        p=mcnemar(int((differences < 0).sum()), int((differences > 0).sum())) if binary else sign_flip(differences),
        n=len(items),
        test="McNemar" if binary else "permutation",
        stderr=float(differences.std(ddof=1) / math.sqrt(len(items))),
    )


def average(parts: Sequence[Paired]) -> Paired:
    """Compare the plain means of benchmarks with different items, by a z test: their errors are independent."""
    difference = statistics.fmean(part.difference for part in parts)
    stderr = math.sqrt(sum(part.stderr**2 for part in parts)) / len(parts)
    half = NORMAL * stderr
    return Paired(
        a=statistics.fmean(part.a for part in parts),
        b=statistics.fmean(part.b for part in parts),
        difference=difference,
        interval=(difference - half, difference + half),
        p=math.erfc(abs(difference) / stderr / math.sqrt(2)) if stderr else float(difference == 0),
        n=sum(part.n for part in parts),
        test="z",
        stderr=stderr,
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided exact p of McNemar's test, a binomial test of the items that one run alone got right."""
    if only_a + only_b == 0:
        return 1.0
    from scipy.stats import binomtest  # takes a second to import

    return float(binomtest(only_a, only_a + only_b).pvalue)


def sign_flip(differences: np.ndarray) -> float:
    """Return the two-sided p of the mean difference under random signs, which equal runs would have.

    p = (1 + flips at least as far from 0) / (1 + flips), so it is never 0 (Phipson and Smyth, 2010).
    """
    sizes, counts = np.unique(np.abs(differences), return_counts=True)
    rng = np.random.default_rng(SEED)
    flips = 2 * RESAMPLES
    # Flipping the signs of `count` items of one size leaves size * (2 k - count), with k from a binomial.
    sums = np.concatenate(
        [(2 * rng.binomial(counts, 0.5, size=(BATCH, len(counts))) - counts) @ sizes for _ in range(flips // BATCH)]
    )
    # Rounding must not tell apart two sums of the same numbers in another order.
    as_far = np.abs(sums) >= abs(differences.sum()) - 1e-9 * (1 + sizes.sum())
    return float((1 + as_far.sum()) / (1 + flips))
