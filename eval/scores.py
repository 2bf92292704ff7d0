"""Means with standard errors and 95% confidence intervals, of predictions alone: no model is needed.

Answers that share an image, a claim, a row or an item (eval.clusters) are not independent: errors and intervals are
those of clusters (eval.intervals). They do not depend on the order of the items.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from data_prep.atomic import atomic_write
from eval.benchmark import Benchmark, Group, Metric, Metrics, Value, Verdict, groups_in
from eval.clusters import Clusters, clusters_of
from eval.errors import EvalError
from eval.extent import Extent
from eval.intervals import Interval, interval, standard_errors, sums_of
from eval.items import Predictions
from eval.judge.instructions import JudgedBenchmark
from eval.judge.verdicts import latest_by_item, read_verdicts
from eval.predictions import read_all
from eval.registry import ROOT, of_header

Subgroup = dict[str, str]


@dataclass(frozen=True)
class Score:
    """One metric over one subgroup of one predictions file.

    `value` is the mean over the `n` scored items, which are in `clusters` clusters (0: not known, in a file of an
    earlier version). `stderr` is its clustered standard error and `interval` its 95% interval; they are None where they
    are not defined. `unscored` counts the items that belong here and have no score; they are in no mean. `subgroup` may
    name a language and a task (a question kind); empty means all. `unit` is "fraction" (shown in percent) or "score"
    (shown as it is). `note` says why there is no value, or what must be known to read it. `asked` is
    "40 of 451" where the run is not of the whole split, and `images` "images not shown" where the model was shown none.
    """

    name: str
    metric: str
    value: float | None
    n: int
    stderr: float | None
    unscored: int
    subgroup: Subgroup
    interval: Interval | None = None
    unit: str = "fraction"
    note: str = ""
    clusters: int = 0
    asked: str = ""
    images: str = ""

    @property
    def caution(self) -> str:
        """What every cell with this score says beside it; empty for a whole run that shows its images."""
        return "; ".join(part for part in (self.asked, self.images) if part)


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
    extent = extent_of(results, predictions)
    return [
        replace(line, asked=extent.asked(line.subgroup), images=extent.images)
        for line in score_predictions(benchmark, predictions, _verdicts(results, benchmark, predictions))
    ]


def extent_of(results: Path, run: Predictions) -> Extent:
    """Return how much of a split was asked and, where a judge is needed, judged, by the verdicts in `results`."""
    benchmark = of_header(run.header, Path())
    if not isinstance(benchmark, JudgedBenchmark):
        return Extent.of(run)
    verdicts = _verdicts(results, benchmark, run)
    judged = [latest_by_item(verdicts, run.lines, kind).keys() for kind in benchmark.KINDS]
    return Extent.of(run, {line.item for line in run.lines if all(line.item in items for items in judged)})


def _verdicts(results: Path, benchmark: Benchmark, predictions: Predictions) -> list[Verdict]:
    return read_verdicts(results, predictions.name) if benchmark.JUDGED else []


def score_predictions(benchmark: Benchmark, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> list[Score]:
    """Score one predictions file."""
    return aggregate(predictions.name, benchmark.metrics(predictions, verdicts), clusters_of(predictions.lines))


def item_metrics(results: Path, run: Predictions) -> Metrics:
    """Return the values of single items, with their groups, of one predictions file.

    No file of the benchmark is read: the predictions, and the verdicts beside them, hold all.
    """
    benchmark = of_header(run.header, Path())
    return benchmark.metrics(run, _verdicts(results, benchmark, run))


def values_in(metric: Metric, group: Group) -> dict[str, float | None]:
    """Return item id -> value, None if unscored, of the items of a group."""
    return {item: _number(value) for item, value in metric.values.items() if item in group.items}


def aggregate(name: str, metrics: Metrics, clusters: Clusters | None = None) -> list[Score]:
    """Score every metric over each of its groups; a group other than {} without an item of the metric has no score.

    `name` is the predictions file's stem.
    """
    subgroups: dict[tuple[tuple[str, str], ...], None] = {}
    groups: dict[str, dict[tuple[tuple[str, str], ...], Group]] = {}
    for metric, found in metrics.items():
        groups[metric] = {tuple(group.subgroup.items()): group for group in groups_in(found)}
        subgroups |= dict.fromkeys(groups[metric])
    return [
        mean_score((name, metric), found, groups[metric][key], clusters or {})
        for key in subgroups
        for metric, found in metrics.items()
        if key in groups[metric] and (not key or not groups[metric][key].items.isdisjoint(found.values))
    ]


def _number(value: Value) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def mean_score(names: tuple[str, str], metric: Metric, group: Group, clusters: Clusters) -> Score:
    """Score one metric over one group of items. The note tells how many are unscored for which reason.

    `names` are the predictions file's stem and the metric's name.
    """
    values = {item: value for item, value in metric.values.items() if item in group.items}
    scored = {item: number for item, value in values.items() if (number := _number(value)) is not None}
    reasons = Counter(value for value in values.values() if isinstance(value, str))
    notes = [*(f"{count} {reason}" for reason, count in sorted(reasons.items())), group.note, metric.note]
    clusters_of_items = [clusters.get(item, item) for item in scored]
    numbers = np.array(list(scored.values()), dtype=np.float64)
    s = sums_of(numbers, clusters_of_items)
    return Score(
        name=names[0],
        metric=names[1],
        value=statistics.fmean(numbers) if scored else None,
        n=len(scored),
        stderr=float(standard_errors(s)) if s else None,
        unscored=len(values) - len(scored),
        subgroup=dict(group.subgroup),
        interval=interval(numbers, s) if s else None,
        unit=metric.unit,
        note="; ".join(note for note in notes if note),
        clusters=len(set(clusters_of_items)),
    )
