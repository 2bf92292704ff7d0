"""Our scores beside the published ones in one of the paper's tables: looked up, rescaled, averaged, laid out.

The paper rescales its starred rows, BLEU-4* and RadCliQ*, by a rule that it does not publish, so by default ours are
raw and are not compared. What is known: BLEU-4* is above BLEU-1 in Table 6, so it was scaled up, most likely by 10;
RadCliQ* is between 0 and 1 and higher for better reports, and neither 1 / x nor 1 - x fits all published models. The
reader can choose a rule with --starred.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from data_prep.counted import counted
from eval.errors import EvalError
from eval.extent import NOT_SHOWN
from eval.intervals import Interval, combined
from eval.report.blocks import Cell, Table
from eval.report.paper import STARRED, PaperTable, Place, Row, published
from eval.report.results import Results
from eval.scores import Score

NEAR = "≈"
LEGEND = (
    "In brackets: 95% interval, in which answers that share an image, a claim or a row count as one cluster; n: scored "
    "items; unscored items are excluded from every mean."
)
PARTIAL = "not set beside ours, which is not of the whole split"
NEAR_LEGEND = f"{NEAR}: the published number is inside our interval, so no difference is shown."


@dataclass(frozen=True)
class Rule:
    """One way to rescale: `of` is monotonic; `positive` if it is defined for positive numbers only."""

    text: str
    of: Callable[[float], float]
    positive: bool = False


RULES = {
    "times10": Rule("10 x", lambda value: 10 * value),
    "complement": Rule("1 - x", lambda value: 1 - value),
    "reciprocal": Rule("1 / x", lambda value: 1 / value, positive=True),
}
METRICS = {"bleu4": "BLEU-4*", "radcliq": "RadCliQ*"}


@dataclass(frozen=True)
class Column:
    """The scores of one results folder in one table.

    `missing` holds the reason for each empty cell, `partial` the places whose benchmark was run on a part of its split.
    """

    title: str
    scores: dict[Place, Score]
    missing: dict[Place, str]
    average: float | None
    average_interval: Interval | None
    no_average: str
    partial: frozenset[Place] = frozenset()

    def value(self, place: Place) -> float | None:
        """Return the score at a place, or None."""
        return self.scores[place].value if place in self.scores else None


def our_columns(table: PaperTable, all_results: Sequence[Results]) -> list[Column]:
    """Look up our scores in each results folder; models of one name are told apart by their folders."""
    titles = Counter(results.title for results in all_results)
    columns = [(our_column(table, results), results.folder) for results in all_results]
    return [
        replace(column, title=f"{column.title} ({folder})") if titles[column.title] > 1 else column
        for column, folder in columns
    ]


def our_column(table: PaperTable, results: Results) -> Column:
    """Look up our score for each row. The average is the plain mean of all rows; None if any score is missing."""
    scores: dict[Place, Score] = {}
    missing: dict[Place, str] = {}
    for row in table.rows:
        score = _score(row, results)
        if isinstance(score, Score) and score.value is not None:
            scores[row.place] = score
        else:
            missing[row.place] = score if isinstance(score, str) else score.note or "no item could be scored"
    average, why = _average(table, scores)
    parts = [(score.value, score.interval) for score in scores.values() if score.value is not None and score.interval]
    interval = None
    if average is not None and table.independent and len(parts) == len(table.rows):
        interval = combined([1 / len(parts)] * len(parts), *zip(*parts, strict=True))
    runs = {score.name for score in results.scores if score.asked and "language" not in score.subgroup}
    benchmarks = {benchmark for benchmark, run in results.benchmark_runs.items() if run.name in runs}
    partial = frozenset(row.place for row in table.rows if row.benchmark in benchmarks)
    blind = bool(scores) and all(score.images for score in scores.values())
    title = f"{results.title} ({NOT_SHOWN})" if blind else results.title
    return Column(title, scores, missing, average, interval, why, partial)


def side_by_side(table: PaperTable, columns: Sequence[Column], *, with_published: bool) -> Table:
    """Lay out a table with one score per row: our columns first, then the published models."""
    models = published(table) if with_published else {}
    notes: dict[str, int] = {}
    rows: list[list[str | Cell]] = [["", *(column.title for column in columns), *models]]
    for row in table.rows:
        cells = [_our_cell(table, row, column, notes) for column in columns]
        near = columns[0].scores.get(row.place) if columns and not row.starred else None
        others = [_published_cell(table, values.get(row.place), near) for values in models.values()]
        if is_partial(row.place, columns):
            others = [Cell("–", marks=_marks([PARTIAL], notes)) for _ in others]
        rows.append([" ".join(table.label(row.place)), *cells, *others])
    if table.average:
        place = table.average
        averages = [_average_cell(table, column, notes) for column in columns]
        others = [_published_cell(table, values.get(place), None) for values in models.values()]
        if any(is_partial(row.place, columns) for row in table.rows):
            others = [Cell("–", marks=_marks([PARTIAL], notes)) for _ in others]
        rows.append(["Average", *averages, *others])
    return Table(rows, own=tuple(range(1, len(columns) + 1)), notes=tuple(notes))


def is_partial(place: Place, columns: Sequence[Column]) -> bool:
    """Tell whether a run of ours is not of the whole split of this row's benchmark."""
    return any(place in column.partial for column in columns)


def with_rules(tables: Sequence[PaperTable], chosen: Sequence[str]) -> tuple[PaperTable, ...]:
    """Return the paper's tables with the chosen rules, such as "bleu4=times10", in their starred rows.

    Raises:
        EvalError: an unknown metric or rule.
    """
    rules: dict[str, str] = {}
    for choice in chosen:
        metric, _, rule = choice.partition("=")
        if metric not in METRICS or rule not in RULES:
            raise EvalError(
                f"--starred {choice}: expected METRIC=RULE, where METRIC is one of {', '.join(METRICS)} and RULE is "
                f"one of {', '.join(f'{name} ({rule.text})' for name, rule in RULES.items())}."
            )
        rules[METRICS[metric]] = rule
    return tuple(_with_rules(table, rules) for table in tables)


def rescaled(row: Row, score: Score) -> Score:
    """Rescale a score and its interval by the rule of its row; outside of the rule's domain its value is None."""
    if not row.rule or score.value is None:
        return score
    rule = RULES[row.rule]
    reason = f"{row.place[-1]} as {rule.text} of ours, chosen with --starred: the paper gives no rule"
    note = "; ".join(part for part in (reason, score.note) if part)
    if rule.positive and score.value <= 0:
        undefined = f"no {rule.text} of {score.value:.3f}; {note}"
        return replace(score, value=None, interval=None, stderr=None, note=undefined)
    interval = None
    if score.interval and not (rule.positive and score.interval[0] <= 0):
        low, high = sorted(rule.of(bound) for bound in score.interval)
        interval = (low, high)
    return replace(score, value=rule.of(score.value), interval=interval, stderr=None, note=note)


def number(value: float, *, percent: bool) -> str:
    """Format a fraction in percent, or any other score as it is."""
    return f"{100 * value:.1f}" if percent else f"{value:.3f}"


def small_print(score: Score, *, percent: bool) -> str:
    """Format the small print of a score, one line each: its interval; n, clusters, and the number of unscored items."""
    parts = []
    if score.interval:
        parts.append(f"[{', '.join(number(bound, percent=percent) for bound in score.interval)}]")
    elif score.stderr is not None:
        parts.append(f"± {number(score.stderr, percent=percent)}")
    clusters = f" in {counted(score.clusters, 'cluster')}" if 0 < score.clusters < score.n else ""
    parts.append(f"n={score.n}{clusters}" + (f", {score.unscored} unscored" if score.unscored else ""))
    return "\n".join([*parts, *([score.caution] if score.caution else [])])


def _score(row: Row, results: Results) -> Score | str:
    run = results.benchmark_runs.get(row.benchmark)
    if run is None:
        return f"not run: python -m eval run --task {row.benchmark}"
    score = results.find(run.name, row.metric, row.subgroup)
    if score:
        return rescaled(row, score)
    if any(score.name == run.name for score in results.scores):
        return f"no item {'of this subgroup' if row.subgroup else 'that this metric scores'} was asked"
    return f"not scored: python -m eval score {results.folder}"


def _average(table: PaperTable, scores: dict[Place, Score]) -> tuple[float | None, str]:
    if not table.average:
        return None, ""
    if any(row.starred for row in table.rows):
        return None, "no average: the paper rescales its starred rows by an unpublished rule"
    absent = len(table.rows) - len(scores)
    if absent:
        return None, f"no average: {absent} of its {len(table.rows)} parts are missing"
    if any(score.asked for score in scores.values()):
        return None, "no average: not all of its parts are of whole splits"
    return statistics.fmean(score.value for score in scores.values() if score.value is not None), ""


def _with_rules(table: PaperTable, rules: dict[str, str]) -> PaperTable:
    rows = tuple(
        replace(row, rule=rules[row.place[-1]], starred=False) if row.starred and row.place[-1] in rules else row
        for row in table.rows
    )
    still = any(row.starred for row in rows)
    return replace(table, rows=rows, notes=tuple(note for note in table.notes if still or note != STARRED))


def _our_cell(table: PaperTable, row: Row, column: Column, notes: dict[str, int]) -> Cell:
    score = column.scores.get(row.place)
    if score is None:
        return Cell("–", marks=_marks([column.missing[row.place]], notes))
    percent = table.percent and score.unit == "fraction"
    assert score.value is not None, "our_column() lists scores without a value as missing"
    own = [score.note] if score.note else []
    raw = ["raw, not rescaled: not comparable with the published numbers of this row"] if row.starred else []
    return Cell(number(score.value, percent=percent), small_print(score, percent=percent), _marks(own + raw, notes))


def _average_cell(table: PaperTable, column: Column, notes: dict[str, int]) -> Cell:
    if column.average is None:
        return Cell("–", marks=_marks([column.no_average], notes))
    interval = ""
    if column.average_interval:
        interval = f"[{', '.join(number(bound, percent=table.percent) for bound in column.average_interval)}]"
    return Cell(number(column.average, percent=table.percent), interval)


def _published_cell(table: PaperTable, value: float | None, score: Score | None) -> Cell:
    if value is None:
        return Cell("–")
    text = f"{value:.1f}" if table.percent else f"{value:.3f}"
    if score is None or score.interval is None:
        return Cell(text)
    low, high = (100 * bound if table.percent else bound for bound in score.interval)
    return Cell(f"{text}\N{NO-BREAK SPACE}{NEAR}" if low <= value <= high else text)


def _marks(texts: Sequence[str], notes: dict[str, int]) -> tuple[int, ...]:
    return tuple(notes.setdefault(text, len(notes) + 1) for text in texts)
