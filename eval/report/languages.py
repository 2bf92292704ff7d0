"""Arabic beside English: the gap of every benchmark or split that was asked in both languages, with its interval.

Where the Arabic items are versions of English ones the gap is that of pairs; else it is the difference of two
independent means, with Newcombe's interval (eval.intervals.combined).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from eval.benchmark import Group, Metric, Metrics, groups_in, ids
from eval.benchmarks.data_split import CLOSED_SHORT
from eval.clusters import clusters_of
from eval.extent import Extent
from eval.intervals import combined
from eval.items import Prediction, Predictions
from eval.paired import Paired, holm, p_of, paired
from eval.registry import BENCHMARKS
from eval.report.results import Results
from eval.report.tables import label
from eval.scores import Score, extent_of, item_metrics, mean_score, values_in

HEADLINES = (
    *("exact", "accuracy", "corrected.closed_accuracy", "corrected.open_recall"),
    *("judge.relative", "judge.safe"),
)
"""The metrics whose gap is shown: one or two a benchmark, and defined for both languages."""

_LANGUAGE = re.compile(r"(?<=[-_])(?:en|ar)(?=[-_])")
_SUBJECT = "mmlu_"


@dataclass(frozen=True)
class Gap:
    """One metric of one benchmark in both languages; `result` has English as a, Arabic as b.

    `arabic` is the number of Arabic items where these are other items than the English ones, else 0. `asked` says
    "40 of 451" where a run is not the whole of its split.
    """

    name: str
    metric: str
    unit: str
    result: Paired
    arabic: int = 0
    asked: str = ""


@dataclass(frozen=True)
class Side:
    """The items of one run in one language, with the metrics of the run."""

    run: Predictions
    language: str
    metrics: Metrics
    extent: Extent

    @classmethod
    def of(cls, results: Results, run: Predictions, language: str) -> Side:
        """Read the values of the items, and how many of them there are."""
        return cls(run, language, item_metrics(results.folder, run), extent_of(results.folder, run))

    @property
    def lines(self) -> list[Prediction]:
        """The predictions in this language."""
        return [line for line in self.run.lines if line.language == self.language]

    @property
    def asked(self) -> str:
        """How much of the split was asked, where that is not all of it."""
        return self.extent.asked({"language": self.language})

    def group(self, metric: Metric) -> Group:
        """The items that count: of a dataset's split its closed and short answers, else all in this language."""
        wanted = {"language": self.language, "task": CLOSED_SHORT}
        known = (group for group in groups_in(metric) if dict(group.subgroup) == wanted)
        return next(known, Group({}, ids(self.lines)))


def gaps(results: Results) -> list[Gap]:
    """Return the gaps of all benchmarks and splits that were asked in both languages, with Holm's correction."""
    found = [gap for name, english, arabic in _sides(results) for gap in _gaps(name, english, arabic)]
    corrected = holm([gap.result for gap in found])
    return [replace(gap, result=result) for gap, result in zip(found, corrected, strict=True)]


def twins(name: str) -> list[str]:
    """Return the benchmarks that ask the questions of an English one in Arabic."""
    if name.startswith(_SUBJECT):
        arabic = [f"{prefix}_ar_{name.removeprefix(_SUBJECT)}" for prefix in ("mmmlu", "global_mmlu")]
    else:
        arabic = [name.removesuffix("_en") + "_ar"] if name.endswith("_en") else []
    return [other for other in arabic if other in BENCHMARKS]


def _sides(results: Results) -> Iterator[tuple[str, Side, Side]]:
    for run in results.runs:
        if {"en", "ar"} <= {line.language for line in run.lines}:
            english = Side.of(results, run, "en")
            yield label(run), english, replace(english, language="ar")
    for name, run in results.benchmark_runs.items():
        for other in twins(name):
            if other in results.benchmark_runs:
                arabic = results.benchmark_runs[other]
                yield f"{label(run)}, {label(arabic)}", Side.of(results, run, "en"), Side.of(results, arabic, "ar")


def _gaps(name: str, english: Side, arabic: Side) -> Iterator[Gap]:
    original = _originals(english.lines, arabic.lines)
    asked = ", ".join(dict.fromkeys(filter(None, (english.asked, arabic.asked))))
    for metric in HEADLINES:
        if metric in english.metrics and metric in arabic.metrics:
            unit = english.metrics[metric].unit
            if original:
                result = _of_pairs(metric, english, arabic, original)
                found = Gap(name, metric, unit, result, 0, asked) if result else None
            else:
                first, second = _score(metric, english), _score(metric, arabic)
                result = _of_scores(first, second)
                found = Gap(name, metric, unit, result, second.n, asked) if result else None
            if found:
                yield found


def _originals(english: Sequence[Prediction], arabic: Sequence[Prediction]) -> dict[str, str]:
    """Return Arabic item -> the English item that it is a version of; empty where any has none or several."""
    known = {_LANGUAGE.sub("", line.item): line.item for line in english}
    if len(known) < len(english):
        return {}
    found = {line.item: known.get(_LANGUAGE.sub("", _names(line))) for line in arabic}
    originals = {item: original for item, original in found.items() if original}
    return originals if len(set(originals.values())) == len(arabic) else {}


def _names(line: Prediction) -> str:
    """The English item that an Arabic one names: by its facts, else by an id that differs in its language alone."""
    if "version_of" in line.facts:
        return str(line.facts["version_of"])
    if "parent" in line.facts:
        return f"{line.facts['parent']}#{line.item.rpartition('#')[2]}"
    return line.item


def _of_pairs(metric: str, english: Side, arabic: Side, original: Mapping[str, str]) -> Paired | None:
    first = values_in(english.metrics[metric], english.group(english.metrics[metric]))
    second = values_in(arabic.metrics[metric], arabic.group(arabic.metrics[metric]))
    versions = {original[item]: value for item, value in second.items()}
    return paired(first, versions, clusters_of(english.lines))


def _score(metric: str, side: Side) -> Score:
    found = side.metrics[metric]
    return mean_score((side.run.name, metric), found, side.group(found), clusters_of(side.lines))


def _of_scores(english: Score, arabic: Score) -> Paired | None:
    """The difference of two independent means; None where one has no interval."""
    if english.value is None or arabic.value is None or not english.interval or not arabic.interval:
        return None
    difference = arabic.value - english.value
    interval = combined([1, -1], [arabic.value, english.value], [arabic.interval, english.interval])
    p = p_of(difference, interval)
    clusters = english.clusters + arabic.clusters
    return Paired(english.value, arabic.value, difference, interval, p, english.n, clusters, "z", p)
