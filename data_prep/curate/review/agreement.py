"""How far reviewers agree: Cohen's kappa of two, Krippendorff's alpha of any number, with bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
RESAMPLES = 1_000


@dataclass(frozen=True)
class Agreement:
    """A coefficient with its 95% interval; None where every verdict is the same, so that chance explains all."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    rows: int


def kappa(first: Sequence[int], second: Sequence[int], categories: int) -> float | None:
    """Cohen's kappa of two reviewers' verdicts (0 to categories - 1) on the same rows, in the same order.

    (p_o - p_e) / (1 - p_e): Cohen, Educational and Psychological Measurement 20 (1960), formula 1.
    """
    table = np.zeros((categories, categories))
    np.add.at(table, (np.asarray(first, int), np.asarray(second, int)), 1)
    return _number(_kappa(table[None])[0])


def alpha(counts: Floats, level: str) -> float | None:
    """Krippendorff's alpha of any number of reviewers, with verdicts missing.

    `counts` has one line a row and one column a category: how many reviewers gave it. `level` is "nominal" or
    "ordinal". 1 - D_o / D_e over the matrix of coincidences: Krippendorff, Computing Krippendorff's
    Alpha-Reliability (2011), with the difference functions of its section E.
    """
    return _number(_alpha(_coincidences(counts).sum(axis=0)[None], level)[0])


def agreement(verdicts: Sequence[Sequence[int | None]], categories: int, seed: int = 0) -> list[Agreement]:
    """The coefficients of the verdicts, one line a row and one column a reviewer, None where one gave no verdict.

    Kappa for two reviewers, and alpha. The intervals are percentiles of 1,000 resamples of the rows that at least two
    reviewers have seen.
    """
    pairable = [row for row in verdicts if sum(one is not None for one in row) > 1]
    if not pairable:
        return []
    weights = np.random.default_rng(seed).multinomial(len(pairable), [1 / len(pairable)] * len(pairable), RESAMPLES)
    counts = np.array([[row.count(one) for one in range(categories)] for row in map(list, pairable)], float)
    pairs = _coincidences(counts)
    resampled = np.tensordot(weights, pairs, axes=1)
    made = []
    if len(pairable[0]) == 2:
        tables = np.zeros((len(pairable), categories, categories))
        for number, (first, second) in enumerate(pairable):
            tables[number, first, second] = 1
        value = _kappa(tables.sum(axis=0)[None])[0]
        made.append(_result("Cohen's kappa", value, _kappa(np.tensordot(weights, tables, axes=1)), len(pairable)))
    for level in ("nominal", "ordinal"):
        value = _alpha(pairs.sum(axis=0)[None], level)[0]
        made.append(_result(f"Krippendorff's alpha, {level}", value, _alpha(resampled, level), len(pairable)))
    return made


def _kappa(tables: Floats) -> Floats:
    """Kappa of each table; not a number where chance explains all."""
    total = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / total
    expected = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / total**2
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
    return made


def _coincidences(counts: Floats) -> Floats:
    """The matrix of coincidences of each row: pairs of verdicts by different reviewers, over reviewers less one."""
    seen = counts.sum(axis=1)
    counts, seen = counts[seen > 1], seen[seen > 1]
    same = np.einsum("uc,ck->uck", counts, np.eye(counts.shape[1]))
    made: Floats = (np.einsum("uc,uk->uck", counts, counts) - same) / (seen - 1)[:, None, None]
    return made


def _alpha(matrices: Floats, level: str) -> Floats:
    """Alpha of each matrix of coincidences; not a number where all verdicts are the same."""
    totals = matrices.sum(axis=2)
    size = totals.sum(axis=1)
    differences = _differences(totals, level)
    observed = (matrices * differences).sum(axis=(1, 2))
    expected = np.einsum("bc,bk,bck->b", totals, totals, differences) / (size - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = np.where(expected > 0, 1 - observed / expected, np.nan)
    return made


def _differences(totals: Floats, level: str) -> Floats:
    """The squared difference of each two categories: 1, or for ranks the verdicts between them."""
    categories = totals.shape[1]
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(categories), (len(totals), categories, categories))
    until = np.cumsum(totals, axis=1)
    middle = until - totals / 2
    made: Floats = (middle[:, :, None] - middle[:, None, :]) ** 2
    return made


def _result(name: str, value: float, resampled: Floats, rows: int) -> Agreement:
    known = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not known.size:
        return Agreement(name, None, None, None, rows)
    low, high = np.percentile(known, [2.5, 97.5])
    return Agreement(name, float(value), float(low), float(high), rows)


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
