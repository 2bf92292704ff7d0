"""Two results folders, item by item: the difference of every metric with its interval and significance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data_prep.atomic import atomic_write
from eval.benchmark import Metrics, groups_in
from eval.clusters import Clusters, clusters_of
from eval.errors import EvalError
from eval.extent import Extent
from eval.items import Header, Predictions
from eval.judge.verdicts import read_verdicts
from eval.paired import Paired, average, holm, paired
from eval.predictions import read_all
from eval.report.markdown import markdown_table
from eval.report.paper import TABLES
from eval.report.same_answers import SameAnswers, same_answers, same_table
from eval.report.tables import in_words, p_text
from eval.scores import extent_of, item_metrics, values_in

Table = list[list[str]]

HEAD = ["benchmark", "metric", "a", "b", "b - a [95%]", "up, down", "p", "p (Holm)", "test", "n", "left out", ""]
SETTINGS = ("generation", "engine", "images", "images_prepared", "permuted", "likelihood", "judge", "versions")
LEGEND = (
    "Values are as the metric computes them, mostly fractions of 1. Only items that both runs scored count; the others "
    "are left out. Up and down are the numbers of items whose value is higher and lower in b. Answers that share an "
    "image, a claim or a row are one cluster: n tells the items, and in how many clusters they are. p is two-sided: "
    "McNemar's exact test for right and wrong, a sign-flip permutation test of whole clusters for graded values and "
    "where items share clusters, a z test for averages. A difference is shown if its interval excludes 0 and p is "
    "below 0.05 after Holm's correction for the comparisons that were made: {overall} over all items and, corrected "
    "apart from these, {subgroups} over subgroups. Intervals are not corrected."
)


@dataclass(frozen=True)
class Line:
    """One metric of one benchmark in both folders.

    `left_out` counts the items that only one run scored; `caution` says which run is of a part, or without images.
    """

    benchmark: str
    metric: str
    result: Paired
    left_out: int
    subgroup: Mapping[str, str] = field(default_factory=dict)
    caution: str = ""


@dataclass(frozen=True)
class Comparison:
    """The metrics that two results folders share, and warnings about differing settings.

    `lines` are over all items, `subgroups` over subgroups and versions in another language; each is one family of
    comparisons. `same` counts the answers whose text is the same in both.
    """

    a: Path
    b: Path
    lines: list[Line]
    subgroups: list[Line]
    warnings: list[str]
    same: list[SameAnswers] = field(default_factory=list)

    def tables(self) -> list[Table]:
        """Return the rows over all items, then those of subgroups where there are any, header first."""
        return [[HEAD, *map(_row, lines)] for lines in (self.lines, self.subgroups) if lines]

    @property
    def legend(self) -> str:
        """How to read the tables, with the number of comparisons."""
        return LEGEND.format(overall=len(self.lines), subgroups=len(self.subgroups))

    def text(self) -> str:
        """Return everything as Markdown with aligned columns, readable in a terminal."""
        warnings = [f"- {warning}" for warning in self.warnings]
        tables = [markdown_table(table, aligned=True) for table in [*self.tables(), same_table(self.same)]]
        parts = [f"a: {self.a}\nb: {self.b}", *tables, self.legend]
        return "\n\n".join(parts + (["\n".join(warnings)] if warnings else []))


def compare(a: Path, b: Path, out: Path | None = None) -> str:
    """Compare two results folders; write the text to `out`, if given, and return it.

    Raises:
        EvalError: a folder has no predictions, or the two have no benchmark in common that can be compared.
    """
    text = comparison(a, b).text()
    if out is not None:
        with atomic_write(out) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    return text


def comparison(a: Path, b: Path) -> Comparison:
    """Compare the runs that both folders have under the same name. Raises EvalError as `compare` does."""
    first, second = ({run.name: run for run in read_all(folder)} for folder in (a, b))
    warnings = [f"{name}: only in {a if name in first else b}" for name in sorted({*first} ^ {*second})]
    lines: list[Line] = []
    same: list[SameAnswers] = []
    for name in (name for name in first if name in second):
        described = _with_judge(a, first[name]), _with_judge(b, second[name])
        reason = _why_not(*described)
        if reason:
            warnings.append(f"{name}: not compared: {reason}")
            continue
        warnings += [f"{name}: {setting}" for setting in _differing(*described)]
        metrics = item_metrics(a, first[name]), item_metrics(b, second[name])
        found = list(_lines(name, *metrics, clusters_of([*first[name].lines, *second[name].lines])))
        same += same_answers(first[name], second[name])
        extents = extent_of(a, first[name]), extent_of(b, second[name])
        lines += [replace(line, caution=_caution(line.subgroup, *extents)) for line in found]
        if not found:
            warnings.append(f"{name}: not compared: no metric has values for two items that both runs scored")
    if not lines:
        reasons = "".join(f"\n  {warning}" for warning in warnings)
        raise EvalError(f"{a} and {b}: nothing can be compared. Both need the same benchmark or split.{reasons}")
    overall = [line for line in lines if not line.subgroup]
    return Comparison(
        a,
        b,
        _corrected(overall + _averages(overall)),
        _corrected([line for line in lines if line.subgroup]),
        warnings,
        same,
    )


def _lines(name: str, first: Metrics, second: Metrics, clusters: Clusters) -> Iterator[Line]:
    for metric in (metric for metric in first if metric in second):
        others = {frozenset(group.subgroup.items()): group for group in groups_in(second[metric])}
        overall, *parts = groups_in(first[metric])
        for group in [overall, *(part for part in parts if part.items != overall.items)]:
            other = others.get(frozenset(group.subgroup.items()), group)
            a, b = values_in(first[metric], group), values_in(second[metric], other)
            result = paired(a, b, clusters)
            if result:
                scored = [{item for item, value in run.items() if value is not None} for run in (a, b)]
                yield Line(name, metric, result, len(scored[0] ^ scored[1]), group.subgroup)


def _caution(subgroup: Mapping[str, str], *extents: Extent) -> str:
    """Say of which run ("a", "b") not all items were answered, or images were not shown."""
    said = [", ".join(part for part in (extent.asked(subgroup), extent.images) if part) for extent in extents]
    return "; ".join(f"{run}: {text}" for run, text in zip("ab", said, strict=True) if text)


def _corrected(lines: list[Line]) -> list[Line]:
    """The lines of one family, with Holm's correction."""
    corrected = holm([line.result for line in lines])
    return [replace(line, result=result) for line, result in zip(lines, corrected, strict=True)]


def _averages(lines: list[Line]) -> list[Line]:
    """The average of each of the paper's tables that is complete and whose rows have different items."""
    found = {(line.benchmark, line.metric): line for line in lines}
    averages = []
    for table in TABLES:
        wanted = [(row.benchmark, row.metric) for row in table.rows]
        if table.average and table.independent and all(key in found for key in wanted):
            parts = [found[key] for key in wanted]
            result = average([part.result for part in parts])
            averages.append(Line(table.title, "average", result, sum(part.left_out for part in parts)))
    return averages


def _with_judge(results: Path, run: Predictions) -> Header:
    """Return the header, with the judge if there are verdicts."""
    verdicts = read_verdicts(results, run.name)
    return {**run.header, "judge": verdicts[0]["judge"] if verdicts else None}


def _why_not(a: Header, b: Header) -> str:
    """Return why two runs cannot be compared item by item, or "" if their questions are the same."""
    if _asked(a) == _asked(b):
        return ""
    return f"the questions are not the same (a: {in_words(_asked(a))}; b: {in_words(_asked(b))}). Run both on one split"


def _asked(header: Header) -> dict[str, Any]:
    """Return the keys that identify the questions, without their number."""
    about = header.get("benchmark") or header.get("data") or {}
    return {key: about.get(key) for key in ("name", "split", "sha256", "manifest_sha256") if key in about}


def _differing(a: Header, b: Header) -> list[str]:
    """List the settings that differ: the scores then differ for more reasons than the model."""
    return [
        f"{key} differs (a: {in_words(a.get(key))}; b: {in_words(b.get(key))})"
        for key in SETTINGS
        if a.get(key) != b.get(key)
    ]


def _row(line: Line) -> list[str]:
    result = line.result
    low, high = result.interval
    verdict = ("b is higher" if result.difference > 0 else "b is lower") if result.shown else "no difference shown"
    clusters = f" in {result.clusters}" if result.clusters < result.n else ""
    return [
        f"{line.benchmark} ({line.caution})" if line.caution else line.benchmark,
        ", ".join([line.metric, *(f"{key} {value}" for key, value in line.subgroup.items())]),
        f"{result.a:.3f}",
        f"{result.b:.3f}",
        f"{result.difference:+.3f} [{low:+.3f}, {high:+.3f}]",
        f"{result.higher}, {result.lower}",
        p_text(result.p),
        p_text(result.adjusted),
        result.test,
        f"{result.n}{clusters}",
        str(line.left_out),
        verdict,
    ]
