"""Means with standard errors and 95% bootstrap confidence intervals, of predictions alone: no model is needed.

The interval is the percentile bootstrap's (Efron and Tibshirani, 1993, chapter 13): items are resampled with
replacement, and the middle 95% of the means are kept. It is seeded and does not depend on the order of the items. If
all items have the same value, it has no width.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from data_prep.atomic import atomic_write
from eval.benchmark import Benchmark, Group, Metric, Metrics, Value, Verdict
from eval.errors import EvalError
from eval.items import Predictions
from eval.judge.verdicts import read_verdicts
from eval.predictions import read_all
from eval.registry import ROOT, of_header

RESAMPLES = 1000
LEVEL = 0.95
NORMAL = 1.96
"""Standard errors on each side that hold 95% of a normal distribution."""
SEED = 0
BATCH = 100

Subgroup = dict[str, str]


@dataclass(frozen=True)
class Score:
    """One metric over one subgroup of one predictions file.

    `value` is the mean over the `n` scored items and `stderr` its standard error, the sample standard deviation
    over sqrt(n); both are None where they are not defined. `unscored` counts the items that belong here and have
    no score; they are in no mean. `subgroup` may name a language and a task (a question kind); empty means all.
    `interval` is the 95% bootstrap interval. `unit` is "fraction" (shown in percent) or "score" (shown as it is).
    `note` says why there is no value, or what must be known to read it.
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


def score(results: Path, root: Path | None = None) -> list[Score]:
    """Score every predictions file of a results folder into its scores.json; no benchmark's file is read.

    `root` is the folder of all benchmarks, for metrics whose weights are there.
    """
    scores = [line for predictions in read_all(results) for line in _scores_of_file(results, predictions, root or ROOT)]
    with atomic_write(results / "scores.json") as partial:
        partial.write_text(json.dumps([asdict(line) for line in scores], indent=1) + "\n", encoding="utf-8")
    return scores


def _scores_of_file(results: Path, predictions: Predictions, root: Path) -> list[Score]:
    try:
        benchmark = of_header(predictions.header, root)
    except EvalError as error:
        raise EvalError(f"{predictions.name}: {error}") from error
    return score_predictions(benchmark, predictions, _verdicts(results, benchmark, predictions))


def _verdicts(results: Path, benchmark: Benchmark, predictions: Predictions) -> list[Verdict]:
    return read_verdicts(results, predictions.name) if benchmark.JUDGED else []


def score_predictions(benchmark: Benchmark, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> list[Score]:
    """Score one predictions file."""
    return aggregate(predictions.name, benchmark.metrics(predictions, verdicts))


def item_values(results: Path, run: Predictions) -> dict[str, dict[str, float | None]]:
    """Return metric -> item id -> value, None if unscored, of the items that the overall score is the mean of.

    No file of the benchmark is read: the predictions, and the verdicts beside them, hold all.
    """
    benchmark = of_header(run.header, Path())
    return overall_values(benchmark.metrics(run, _verdicts(results, benchmark, run)))


def overall_values(metrics: Metrics) -> dict[str, dict[str, float | None]]:
    """Return metric -> item id -> value, None if unscored, of the items of the first group: all of them."""
    found: dict[str, dict[str, float | None]] = {}
    for name, metric in metrics.items():
        for item, value in metric.values.items():
            if item in _groups(metric)[0].items:
                found.setdefault(name, {})[item] = _number(value)
    return found


def aggregate(name: str, metrics: Metrics) -> list[Score]:
    """Score every metric over each of its groups; a group other than {} without an item of the metric has no score.

    `name` is the predictions file's stem.
    """
    subgroups: dict[tuple[tuple[str, str], ...], None] = {}
    groups: dict[str, dict[tuple[tuple[str, str], ...], Group]] = {}
    for metric, found in metrics.items():
        groups[metric] = {tuple(group.subgroup.items()): group for group in _groups(found)}
        subgroups |= dict.fromkeys(groups[metric])
    return [
        mean_score(name, metric, values, groups[metric][key], found)
        for key in subgroups
        for metric, found in metrics.items()
        if key in groups[metric] and ((values := _values_in(found, groups[metric][key])) or not key)
    ]


def _groups(metric: Metric) -> Sequence[Group]:
    return metric.groups or [Group({}, frozenset(metric.values))]


def _values_in(metric: Metric, group: Group) -> list[Value]:
    return [value for item, value in metric.values.items() if item in group.items]


def _number(value: Value) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def mean_score(name: str, metric: str, values: Sequence[Value], group: Group, about: Metric) -> Score:
    """Score one metric over one group of items. The note tells how many are unscored for which reason."""
    scored = [number for value in values if (number := _number(value)) is not None]
    reasons = Counter(value for value in values if isinstance(value, str))
    notes = [*(f"{count} {reason}" for reason, count in sorted(reasons.items())), group.note, about.note]
    return Score(
        name=name,
        metric=metric,
        value=statistics.fmean(scored) if scored else None,
        n=len(scored),
        stderr=standard_error(scored),
        unscored=len(values) - len(scored),
        subgroup=dict(group.subgroup),
        interval=bootstrap_interval(scored),
        unit=about.unit,
        note="; ".join(note for note in notes if note),
    )


def standard_error(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation (n - 1) over sqrt(n), or None for fewer than two values."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval (95%) of the mean, or None for fewer than two values."""
    if len(values) < 2:
        return None
    return percentile_interval(resampled_means(np.asarray(values, dtype=np.float64)))


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


def percentile_interval(samples: np.ndarray) -> tuple[float, float]:
    """Return the bounds of the middle 95%."""
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
