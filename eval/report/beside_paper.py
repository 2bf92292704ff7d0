"""Our numbers in one of the paper's tables, beside the published ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from eval.report.blocks import Cell, Table
from eval.report.paper_tables import PaperTable, Place, Row, published
from eval.report.results import Results
from eval.report.starred import rescaled
from eval.scores import NORMAL, Score

NEAR = "≈"
LEGEND = "In brackets the bootstrap interval of 95%; n: scored items; unscored items are in no mean."
NEAR_LEGEND = f"{NEAR}: a published number inside our interval, so no difference is shown."


@dataclass(frozen=True)
class Ours:
    """One results folder's numbers in one table: `scores` where there are any, else why not in `missing`."""

    title: str
    scores: dict[Place, Score]
    missing: dict[Place, str]
    average: float | None
    average_interval: tuple[float, float] | None
    no_average: str

    def value(self, place: Place) -> float | None:
        """Return the number at a place, or None."""
        return self.scores[place].value if place in self.scores else None


def ours(table: PaperTable, results: Results) -> Ours:
    """Look our numbers up. The average is the plain mean of all rows, or missing if any of them is."""
    scores: dict[Place, Score] = {}
    missing: dict[Place, str] = {}
    for row in table.rows:
        score = _score(row, results)
        if isinstance(score, Score) and score.value is not None:
            scores[row.place] = score
        else:
            missing[row.place] = score if isinstance(score, str) else score.note or "no item could be scored"
    average, why = _average(table, scores)
    errors = [score.stderr for score in scores.values()]
    interval = None
    if average is not None and table.independent and None not in errors:
        half = NORMAL * math.sqrt(sum((error or 0.0) ** 2 for error in errors)) / len(errors)
        interval = (average - half, average + half)
    return Ours(results.title, scores, missing, average, interval, why)


def beside(table: PaperTable, columns: Sequence[Ours], *, with_published: bool) -> Table:
    """Lay a table out: a row a number, our columns first, then the published models."""
    models = published(table) if with_published else {}
    notes: dict[str, int] = {}
    rows: list[list[str | Cell]] = [["", *(column.title for column in columns), *models]]
    for row in table.rows:
        cells = [_our_cell(table, row, column, notes) for column in columns]
        near = columns[0].scores.get(row.place) if columns and not row.starred else None
        others = [_published_cell(table, values.get(row.place), near) for values in models.values()]
        rows.append([" ".join(table.label(row.place)), *cells, *others])
    if table.average:
        place = table.average
        averages = [_average_cell(table, column, notes) for column in columns]
        others = [_published_cell(table, values.get(place), None) for values in models.values()]
        rows.append(["Average", *averages, *others])
    return Table(rows, own=tuple(range(1, len(columns) + 1)), notes=tuple(notes))


def number(value: float, *, percent: bool) -> str:
    """Write a fraction in percent, or as it is."""
    return f"{100 * value:.1f}" if percent else f"{value:.3f}"


def small(score: Score, *, percent: bool) -> str:
    """Write what stands beside a score, a line each: its interval; n and the unscored items."""
    parts = []
    if score.interval:
        parts.append(f"[{', '.join(number(bound, percent=percent) for bound in score.interval)}]")
    elif score.stderr is not None:
        parts.append(f"± {number(score.stderr, percent=percent)}")
    parts.append(f"n={score.n}" + (f", {score.unscored} unscored" if score.unscored else ""))
    return "\n".join(parts)


def _score(row: Row, results: Results) -> Score | str:
    run = results.benchmark_runs.get(row.benchmark)
    if run is None:
        return f"not run: python -m eval run --task {row.benchmark}"
    score = results.find(run.name, row.metric, row.subgroup)
    if score:
        return rescaled(row, score)
    if row.subgroup and results.find(run.name, row.metric):
        return "no item of it was asked"
    return f"no such score: python -m eval score {results.folder}"


def _average(table: PaperTable, scores: dict[Place, Score]) -> tuple[float | None, str]:
    if not table.average:
        return None, ""
    if any(row.starred for row in table.rows):
        return None, "no average: the paper's rows with a star are rescaled by an unpublished rule"
    absent = len(table.rows) - len(scores)
    if absent:
        return None, f"no average: {absent} of its {len(table.rows)} parts are missing"
    return statistics.fmean(score.value for score in scores.values() if score.value is not None), ""


def _our_cell(table: PaperTable, row: Row, column: Ours, notes: dict[str, int]) -> Cell:
    score = column.scores.get(row.place)
    if score is None:
        return Cell("–", marks=_marks([column.missing[row.place]], notes))
    percent = table.percent and score.unit == "fraction"
    assert score.value is not None  # `ours` put it among the missing ones otherwise
    told = [score.note] if score.note else []
    raw = ["raw, not rescaled: compare with no number of this row"] if row.starred else []
    return Cell(number(score.value, percent=percent), small(score, percent=percent), _marks(told + raw, notes))


def _average_cell(table: PaperTable, column: Ours, notes: dict[str, int]) -> Cell:
    if column.average is None:
        return Cell("–", marks=_marks([column.no_average], notes))
    beside = ""
    if column.average_interval:
        beside = f"[{', '.join(number(bound, percent=table.percent) for bound in column.average_interval)}]"
    return Cell(number(column.average, percent=table.percent), beside)


def _published_cell(table: PaperTable, value: float | None, score: Score | None) -> Cell:
    if value is None:
        return Cell("–")
    text = f"{value:.1f}" if table.percent else f"{value:.3f}"
    if score is None or score.interval is None:
        return Cell(text)
    low, high = (100 * bound if table.percent else bound for bound in score.interval)
    return Cell(f"{text}\N{NO-BREAK SPACE}{NEAR}" if low <= value <= high else text)


def _marks(told: Sequence[str], notes: dict[str, int]) -> tuple[int, ...]:
    return tuple(notes.setdefault(note, len(notes) + 1) for note in told)
