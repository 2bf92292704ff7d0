"""Simulated runs over clusters of questions, put through the very functions that scores and comparisons use."""

from dataclasses import dataclass

import numpy as np

from eval.intervals import Sums, fraction_intervals, proportion_intervals
from eval.paired import tested

QUESTIONS = {"slake": (1061, 96), "path_vqa": (6719, 858), "vqa_rad": (451, 203)}
"""The questions and the images of the test splits that the paper reports."""


def uneven(questions, images):
    """How many questions each image has: all have one at least, and the others fall unevenly."""
    rng = np.random.default_rng(0)
    return 1 + rng.multinomial(questions - images, rng.dirichlet(np.full(images, 2.0)))


SIZES = {name: uneven(*counts) for name, counts in QUESTIONS.items()} | {
    "20 items": np.ones(20, dtype=int),
    "20 images of 4": np.full(20, 4),
}


@dataclass(frozen=True)
class Rates:
    """How often intervals of right and wrong and of graded values hold the truth, and equal models are told apart."""

    covered: float
    graded_covered: float
    told_apart: float


def rates(sizes, accuracy, correlation, repeats, *, clustered=True):
    """Simulate pairs of equally good models; `clustered` false takes every answer for a cluster of its own.

    The chance to be right of a model on the questions of one image has a beta distribution of this intraclass
    correlation; of graded values two such answers make one.
    """
    rng = np.random.default_rng(0)
    first, second = (_chances(rng, sizes, accuracy, correlation, repeats) for _ in range(2))
    right = rng.binomial(sizes, first)
    # Of the questions that the first has right the second has some wrong, and the other way round.
    lost, won = rng.binomial(right, 1 - second), rng.binomial(sizes - right, second)
    graded = rng.binomial(2 * sizes, first) / 2
    bounds, p, _ = tested(_sums(won, lost, sizes, clustered=clustered), binary=True)
    return Rates(
        covered=_held(accuracy, proportion_intervals(_sums(right, 0 * right, sizes, clustered=clustered))),
        graded_covered=_held(accuracy, fraction_intervals(Sums(graded, sizes, graded.sum(axis=-1)))),
        told_apart=float(((bounds[0] > 0) | (bounds[1] < 0))[p < 0.05].sum() / repeats),
    )


def _chances(rng, sizes, accuracy, correlation, repeats):
    if not correlation:
        return np.full((repeats, len(sizes)), accuracy)
    spread = (1 - correlation) / correlation
    return rng.beta(accuracy * spread, (1 - accuracy) * spread, (repeats, len(sizes)))


def _sums(plus, minus, sizes, *, clustered):
    """The sums of values 1 and -1, and of 0 for the other items."""
    squares = (plus + minus).sum(axis=-1).astype(float)
    if clustered:
        return Sums((plus - minus).astype(float), sizes, squares)
    places = np.arange(sizes.sum())
    ones, others = plus.sum(axis=-1)[:, None], minus.sum(axis=-1)[:, None]
    items = (places < ones).astype(float) - ((places >= ones) & (places < ones + others))
    return Sums(items, np.ones(len(places), dtype=int), squares)


def _held(truth, bounds):
    low, high = bounds
    return float(((low <= truth) & (truth <= high)).mean())
