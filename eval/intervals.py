"""Standard errors and 95% confidence intervals of means over clusters of dependent items.

Every function takes one sample or many samples with the same clusters: arrays have the shape (..., G), G being the
number of clusters. All are deterministic and know neither the order of the items nor the names of the clusters. If
every item is a cluster of its own, the numbers are those of independent items.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Interval = tuple[float, float]
Bounds = tuple[np.ndarray, np.ndarray]

LEVEL = 0.95
NORMAL = 1.96
"""Standard errors on each side that hold 95% of a normal distribution."""
RESAMPLES = 1000
SEED = 0
BATCH = 100


@dataclass(frozen=True)
class Sums:
    """Items summed by cluster: `sums` (..., G), `sizes` (G,), and the sum of all squared values, `squares` (...).

    There are at least two clusters.
    """

    sums: np.ndarray
    sizes: np.ndarray
    squares: np.ndarray

    @property
    def n(self) -> int:
        """The number of items."""
        return int(self.sizes.sum())

    @property
    def clusters(self) -> int:
        """The number of clusters."""
        return len(self.sizes)

    @property
    def mean(self) -> np.ndarray:
        """The mean over all items (...)."""
        return self.sums.sum(axis=-1) / self.n


def sums_of(values: Sequence[float] | np.ndarray, names: Sequence[Hashable]) -> Sums | None:
    """Sum items by the names of their clusters; None for fewer than two clusters."""
    numbers: dict[Hashable, int] = {}
    labels = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)
    if len(numbers) < 2:
        return None
    items = np.asarray(values, dtype=np.float64)
    order = np.argsort(items, kind="stable")  # so that rounding does not depend on the order of the items
    sums = np.bincount(labels[order], weights=items[order])
    sizes = np.bincount(labels)
    clusters = np.lexsort((sums, sizes))
    return Sums(sums[clusters], sizes[clusters], np.square(items[order]).sum())


def standard_errors(s: Sums) -> np.ndarray:
    """Return the cluster-robust standard error of the mean (...).

    sqrt(G / (G - 1) * sum_g (S_g - n_g m)^2) / n, with S_g and n_g a cluster's sum and size, and m the mean: the
    sandwich estimator of a mean with its correction for few clusters (Cameron and Miller, 2015, "A Practitioner's Guide
    to Cluster-Robust Inference"). With one item a cluster it is the sample standard deviation over sqrt(n).
    """
    residuals = s.sums - s.sizes * s.mean[..., None]
    return np.sqrt(s.clusters / (s.clusters - 1) * np.square(residuals).sum(axis=-1)) / s.n


def effective_n(s: Sums) -> np.ndarray:
    """Return how many independent items would tell as much (...): n over the design effect, at most n.

    The design effect is the clustered variance of the mean over that of independent items (Kish, 1965). Few clusters
    give a noisy estimate of it, for which n is multiplied by (t_{n-1} / t_{G-1})^2 (Korn and Graubard, 1998, Survey
    Methodology 24). If all values are equal there is no estimate, and a cluster counts as one item: n^2 / sum_g n_g^2.
    """
    independent = (s.squares / s.n - np.square(s.mean)) / (s.n - 1)
    varied = independent > 1e-15
    effect = np.maximum(1.0, np.square(standard_errors(s)) / np.where(varied, independent, 1.0))
    return np.where(varied, s.n * _fewer(s) / effect, _clusters_alike(s))


def proportion_intervals(s: Sums) -> Bounds:
    """Return the interval of the mean of values 0 and 1: Wilson's score interval (1927), with the effective n.

    It stays in [0, 1] and has a width where all values are equal, where a bootstrap has none: 0 of 20 is [0, 0.16].
    Where items share clusters, it is widened to hold the cluster bootstrap's: the design effect of rare values, which
    few clusters have, is often estimated too low.
    """
    bounds = _wilson(s.mean, effective_n(s))
    return bounds if s.clusters == s.n else _hull(bounds, bootstrap_intervals(s))


def fraction_intervals(s: Sums) -> Bounds:
    """Return the interval of the mean of graded values in [0, 1]: what the cluster bootstrap or Wilson's holds.

    Wilson's has the n with which a proportion has the mean's standard error. The bootstrap alone is too narrow near 0
    and 1, where a sample may lack the rare values.
    """
    variance = np.square(standard_errors(s))
    varied = variance > 1e-15
    p = np.clip(s.mean, 0.0, 1.0)
    n = np.where(varied, _fewer(s) * p * (1 - p) / np.where(varied, variance, 1.0), _clusters_alike(s))
    return _hull(_wilson(p, n), bootstrap_intervals(s))


def paired_proportion_intervals(s: Sums) -> Bounds:
    """Return the interval of the mean of differences -1, 0 and 1 of paired right and wrong answers.

    The Wald interval with one discordant pair of either kind added (Bonett and Price, 2012, "Adjusted Wald Confidence
    Interval for a Difference of Binomial Proportions Based on Paired Data"), with the effective n. It has a width where
    no pair differs.
    """
    n, mean = effective_n(s), s.mean
    discordant = (n * s.squares / s.n + 2) / (n + 2)
    centre = n * mean / (n + 2)
    half = NORMAL * np.sqrt((discordant - np.square(centre)) / (n + 2))
    return _around(mean, np.maximum(centre - half, -1.0), np.minimum(centre + half, 1.0))


def graded_intervals(s: Sums, scale: float) -> Bounds:
    """Return the interval of the mean of graded values of any size, or of differences of graded values.

    It is the cluster bootstrap's, which has no width where all values are equal, although a few equal values do not
    show that the next is equal too. There it is Bonett and Price's of pairs that all agree, with `scale` in place of 1:
    one value that much above the mean and one below are added, and a cluster counts as one item. The half width is then
    1.96 sqrt(2) scale / (n + 2).
    """
    low, high = bootstrap_intervals(s)
    half = NORMAL * math.sqrt(2) * scale / (_clusters_alike(s) + 2)
    added = np.where(np.square(standard_errors(s)) > 1e-15, 0.0, half)
    return low - added, high + added


def bootstrap_intervals(s: Sums) -> Bounds:
    """Return the percentile interval of the cluster bootstrap: whole clusters are drawn, with replacement.

    Efron and Tibshirani (1993), chapter 13; Cameron and Miller (2015) for clusters. For few clusters the percentiles
    are moved outwards, from the standard normal's at 1.96 to those at sqrt(G / (G - 1)) * t_{G-1}: the expanded
    percentile interval of Hesterberg (2015), "What Teachers Should Know About the Bootstrap".
    """
    from scipy.special import ndtr

    g = s.clusters
    tail = float(ndtr(-math.sqrt(g / (g - 1)) * _t(g - 1)))
    low, high = np.quantile(resampled_means(s), [tail, 1 - tail], axis=-1)
    return _around(s.mean, low, high)


def resampled_means(s: Sums) -> np.ndarray:
    """Return the means of RESAMPLES draws of all clusters with replacement (..., RESAMPLES)."""
    draws = _draws(s.clusters)
    batches = (draws[start : start + BATCH].astype(np.float64).T for start in range(0, RESAMPLES, BATCH))
    return np.concatenate([s.sums @ batch / (s.sizes @ batch) for batch in batches], axis=-1)


def interval(values: np.ndarray, s: Sums) -> Interval:
    """Return the 95% interval of the mean of one sample, by its values: 0 and 1, in [0, 1], or any."""
    if is_binary(values):
        found = proportion_intervals(s)
    elif values.min() >= 0 and values.max() <= 1:
        found = fraction_intervals(s)
    else:
        found = graded_intervals(s, scale_of(values))
    return float(found[0]), float(found[1])


def scale_of(values: np.ndarray) -> float:
    """Return how far two values can be apart: 1 for those in [0, 1], else the largest that was seen."""
    return max(1.0, float(np.abs(values).max()))


def is_binary(values: np.ndarray) -> bool:
    """Tell whether every value is 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def combined(weights: Sequence[float], values: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Return the interval of a weighted sum of independent estimates from their own intervals.

    Zou and Donner (2008), "Construction of confidence limits about effect measures: a general approach". With weights
    1 and -1 and Wilson's intervals it is Newcombe's interval (1998) of a difference of proportions.
    """
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    below = above = 0.0
    for weight, value, (low, high) in zip(weights, values, intervals, strict=True):
        downwards, upwards = (value - low, high - value) if weight > 0 else (high - value, value - low)
        below += (weight * downwards) ** 2
        above += (weight * upwards) ** 2
    return total - math.sqrt(below), total + math.sqrt(above)


@lru_cache(maxsize=8)
def _draws(clusters: int) -> np.ndarray:
    """How often each cluster is in each draw (RESAMPLES, G)."""
    rng = np.random.default_rng(SEED)
    rows = clusters * np.arange(BATCH)[:, None]
    batches = (rng.integers(0, clusters, (BATCH, clusters)) + rows for _ in range(RESAMPLES // BATCH))
    counts = (np.bincount(batch.ravel(), minlength=BATCH * clusters) for batch in batches)
    return np.concatenate([count.astype(np.uint16).reshape(BATCH, clusters) for count in counts])


def _wilson(p: np.ndarray, n: np.ndarray) -> Bounds:
    """Wilson's interval of a proportion of n items."""
    scale = 1 + NORMAL**2 / n
    centre = (p + NORMAL**2 / (2 * n)) / scale
    half = NORMAL / scale * np.sqrt(p * (1 - p) / n + NORMAL**2 / (4 * n * n))
    return _around(p, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0))


def _hull(first: Bounds, second: Bounds) -> Bounds:
    """The smallest interval that holds both."""
    return np.minimum(first[0], second[0]), np.maximum(first[1], second[1])


def _fewer(s: Sums) -> float:
    """What n is multiplied by, since the variance is estimated from the clusters and not from the items."""
    return float((_t(s.n - 1) / _t(s.clusters - 1)) ** 2)


def _clusters_alike(s: Sums) -> float:
    """The effective n where the items of a cluster tell no more than one of them."""
    return float(s.n**2 / np.square(s.sizes).sum())


def _t(freedom: int) -> float:
    """The quantile of Student's t that leaves 2.5% above it."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def _around(mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> Bounds:
    """The bounds, with the mean between them whatever the rounding."""
    return np.minimum(low, mean), np.maximum(high, mean)
