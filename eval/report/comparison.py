"""Two results folders, item by item: the difference of every metric with its interval and significance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.atomic import atomic_write
from eval.errors import EvalError
from eval.items import Header, Predictions
from eval.judge.verdicts import read_verdicts
from eval.paired import Paired, average, paired
from eval.predictions import read_all
from eval.report.markdown import markdown_table
from eval.report.paper import TABLES
from eval.report.tables import in_words
from eval.scores import item_values

Table = list[list[str]]
ItemValues = dict[str, dict[str, float | None]]

HEAD = ["benchmark", "metric", "a", "b", "b - a [95%]", "p", "test", "n", "left out", ""]
SETTINGS = ("generation", "engine", "images", "permuted", "likelihood", "judge", "versions")
LEGEND = (
    "Values are as the metric computes them, mostly fractions of 1. Only items that both runs scored count; the others "
    "are left out. The interval is a paired bootstrap interval. p is two-sided: McNemar's exact test for right and "
    "wrong, a sign-flip permutation test for graded values, a z test for averages; it is not corrected for multiple "
    "comparisons. A difference is shown if its interval excludes 0 and p is below 0.05."
)


@dataclass(frozen=True)
class Line:
    """One metric of one benchmark in both folders; `left_out` counts the items that only one run scored."""

    benchmark: str
    metric: str
    result: Paired
    left_out: int


@dataclass(frozen=True)
class Comparison:
    """The metrics that two results folders share, and warnings about differing settings."""

    a: Path
    b: Path
    lines: list[Line]
    warnings: list[str]

    def table(self) -> Table:
        """Return the rows, header first."""
        return [HEAD, *map(_row, self.lines)]

    def text(self) -> str:
        """Return everything as Markdown with aligned columns, readable in a terminal."""
        warnings = [f"- {warning}" for warning in self.warnings]
        parts = [f"a: {self.a}\nb: {self.b}", markdown_table(self.table(), aligned=True), LEGEND]
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
    for name in (name for name in first if name in second):
        described = _with_judge(a, first[name]), _with_judge(b, second[name])
        reason = _why_not(*described)
        if reason:
            warnings.append(f"{name}: not compared: {reason}")
            continue
        warnings += [f"{name}: {setting}" for setting in _differing(*described)]
        found = list(_lines(name, item_values(a, first[name]), item_values(b, second[name])))
        lines += found
        if not found:
            warnings.append(f"{name}: not compared: no metric has values for two items that both runs scored")
    if not lines:
        reasons = "".join(f"\n  {warning}" for warning in warnings)
        raise EvalError(f"{a} and {b}: nothing can be compared. Both need the same benchmark or split.{reasons}")
    return Comparison(a, b, lines + _averages(lines), warnings)


def _lines(name: str, first: ItemValues, second: ItemValues) -> Iterator[Line]:
    for metric in (metric for metric in first if metric in second):
        result = paired(first[metric], second[metric])
        if result:
            scored = [{item for item, value in run[metric].items() if value is not None} for run in (first, second)]
            yield Line(name, metric, result, len(scored[0] ^ scored[1]))


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
    return [
        line.benchmark,
        line.metric,
        f"{result.a:.3f}",
        f"{result.b:.3f}",
        f"{result.difference:+.3f} [{low:+.3f}, {high:+.3f}]",
        f"{result.p:.3f}" if result.p >= 0.001 else "<0.001",
        result.test,
        str(result.n),
        str(line.left_out),
        verdict,
    ]
