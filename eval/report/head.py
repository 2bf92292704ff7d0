"""The head of the report: both languages side by side, what was not run, and which rows exercise which capability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from data_prep.counted import counted
from eval.registry import BENCHMARKS, SUITES
from eval.report.beside_paper import number, small_print
from eval.report.blocks import Block, Cell, Facts, Paragraph, Section, Table
from eval.report.languages import Gap
from eval.report.results import Results, about_benchmark
from eval.report.tables import label, p_text
from eval.scores import Score
from eval.unanswered import Unanswered

LANGUAGES_HEAD = ["", "metric", "English", "Arabic", "Arabic - English [95%]", "p (Holm)", "n", ""]
LANGUAGES_LEGEND = (
    "Fractions are in percent. Where the Arabic items are versions of the English ones, n counts pairs and the gap is "
    "over them alone; else n counts the items of each language, which are taken for independent. Answers that share an "
    "image, a claim or a row count as one cluster. A gap is shown if its interval excludes 0 and p is below 0.05 after "
    "Holm's correction (comparisons in this table: {count})."
)
UNANSWERED = (
    "These items are in no mean: the scores are of the others alone. The command that made the predictions asks them "
    "again."
)
CAPABILITIES_HEAD = ["capability", "benchmark", "metric", "value", "note"]


def head_sections(results: Results, found: Sequence[Gap]) -> list[Section]:
    """Return the sections that stand before all tables.

    There are none for results in which every item has an answer, without a benchmark or a second language.
    """
    unanswered = [(label(run), told.text) for run in results.runs if (told := Unanswered.of(run.lines))]
    sections = [Section("Without an answer", [Paragraph(UNANSWERED), Facts(unanswered)])] if unanswered else []
    sections += [Section("English and Arabic", language_blocks(found))] if found else []
    if results.benchmark_runs:
        missing = [name for name in BENCHMARKS if name not in results.benchmark_runs]
        in_paper = [name for name in missing if name in SUITES["paper"]]
        beyond = [name for name in missing if name not in in_paper]
        sections += [Section("Not run", [not_run(in_paper)])] if in_paper else []
        sections += [Section("Not run, beyond the paper", [not_run(beyond)], level=3, folded=True)] if beyond else []
    return sections


def capability_sections(results: Results) -> list[Section]:
    """Return the section on capabilities; none for results without a benchmark."""
    if not results.benchmark_runs:
        return []
    return [Section("What exercises which capability", [capability_table(results)])]


def language_blocks(found: Sequence[Gap]) -> list[Block]:
    """Tabulate the gaps, with how to read them."""
    rows: list[list[str | Cell]] = [[*LANGUAGES_HEAD], *map(_language_row, found)]
    return [Table(rows, own=(4,)), Paragraph(LANGUAGES_LEGEND.format(count=len(found)))]


def language_records(found: Sequence[Gap]) -> list[dict[str, Any]]:
    """Return the gaps for report.json: a is English, b Arabic, `arabic_n` the Arabic items where there are no pairs."""
    return [
        {"name": gap.name, "metric": gap.metric, "unit": gap.unit, **asdict(gap.result)}
        | {"arabic_n": gap.arabic, "asked": gap.asked}
        for gap in found
    ]


def capability_table(results: Results) -> Table:
    """Tabulate the rows of benchmarks that exercise each capability, with our scores where they were run."""
    rows: list[list[str | Cell]] = [[*CAPABILITIES_HEAD]]
    for capability, entries in capabilities().items():
        for entry in entries:
            subgroup = entry.get("subgroup", {})
            parts = [entry["benchmark"], *(f"{key} {value}" for key, value in subgroup.items())]
            run = results.benchmark_runs.get(entry["benchmark"])
            score = results.find(run.name, entry["metric"], subgroup) if run else None
            note = entry.get("note", "")
            rows.append([capability, ", ".join(parts), entry["metric"], _value(score, was_run=run is not None), note])
    return Table(rows, own=(3,))


@cache
def capabilities() -> dict[str, list[dict[str, Any]]]:
    """Return the content of capabilities.yml: capability -> rows of benchmarks."""
    path = Path(__file__).with_name("capabilities.yml")
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def not_run(names: Sequence[str]) -> Facts:
    """List benchmarks that were not run, each with its title and the command."""
    return Facts([(name, f"{_title(name)}: python -m eval run --task {name}") for name in names])


def _title(name: str) -> str:
    about = about_benchmark(name)
    if about is None:
        return "needs a package that is not installed"
    return f"{about.title} ({about.table})" if about.table else about.title


def _value(score: Score | None, *, was_run: bool) -> Cell:
    if score is None or score.value is None:
        return Cell("no score" if was_run else "not run")
    percent = score.unit == "fraction"
    return Cell(number(score.value, percent=percent), small_print(score, percent=percent))


def _language_row(gap: Gap) -> list[str | Cell]:
    result, percent = gap.result, gap.unit == "fraction"
    low, high = (_signed(bound, percent=percent) for bound in result.interval)
    clusters = f" in {counted(result.clusters, 'cluster')}" if not gap.arabic and result.clusters < result.n else ""
    verdict = "no difference shown"
    if result.shown:
        verdict = "Arabic is higher" if result.difference > 0 else "Arabic is lower"
    return [
        gap.name,
        gap.metric,
        number(result.a, percent=percent),
        number(result.b, percent=percent),
        Cell(_signed(result.difference, percent=percent), f"[{low}, {high}]"),
        p_text(result.adjusted),
        Cell(f"{result.n} + {gap.arabic}" if gap.arabic else f"{counted(result.n, 'pair')}{clusters}", gap.asked),
        verdict,
    ]


def _signed(value: float, *, percent: bool) -> str:
    text = number(value, percent=percent)
    return text if text.startswith("-") else f"+{text}"
