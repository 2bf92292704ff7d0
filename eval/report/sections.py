"""The report's sections on scores: the paper's tables, other benchmarks, a comparison, and dataset splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.errors import EvalError
from eval.items import Predictions
from eval.report.beside_paper import (
    LEGEND,
    NEAR_LEGEND,
    Column,
    number,
    our_columns,
    side_by_side,
    small_print,
)
from eval.report.blocks import Block, Caution, Cell, Figure, Paragraph, Section, Table
from eval.report.comparison import comparison
from eval.report.figures import bars, draw_scores, radar
from eval.report.paper import TABLES, PaperTable, paper_document
from eval.report.results import Results, about_run
from eval.report.same_answers import same_table
from eval.report.tables import exact_table, kind_table, multimedeval_table
from eval.scores import Score

PUBLISHED = "published"
ASK_PUBLISHED = "`--against published` adds the published numbers."
SCORE_HEAD = ["", "value", "note"]
EXACT_NOTE = (
    "Mean in percent [95% interval] (n = scored items). Answers that share an image or a row count as one cluster."
)
MULTIMEDEVAL_NOTE = (
    "MultiMedEval's metrics are defined for English: a question is closed if its reference answer is yes or no, so "
    "Arabic yes/no questions count as open ones here. Exact match above uses the question kind in both languages."
)


def paper_sections(
    all_results: Sequence[Results], tables: Sequence[PaperTable], *, with_published: bool
) -> list[Section]:
    """One section per table with any score of ours, with its figures and the other scores of its benchmarks.

    The first of the results is the subject of the report.
    """
    first = all_results[0]
    run = {row.benchmark for table in tables for row in table.rows} & {*first.benchmark_runs}
    if not run:
        return []
    about = f"{NEAR_LEGEND} Published numbers: {paper_document()['source']}." if with_published else ASK_PUBLISHED
    sections = [Section("The paper's tables", [Paragraph(f"{LEGEND} {about}")])]
    for table in tables:
        if any(row.benchmark in run for row in table.rows):
            columns = our_columns(table, all_results)
            sections += _table_sections(table, columns, first, with_published=with_published)
    return sections


def further_sections(results: Results) -> list[Section]:
    """All scores of the benchmarks that are in no table of the paper."""
    in_paper = {row.benchmark for table in TABLES for row in table.rows}
    rest = {name: run for name, run in results.benchmark_runs.items() if name not in in_paper}
    if not rest:
        return []
    return [
        Section("Beyond the paper", [Paragraph(LEGEND)]),
        *(
            Section(name, _noted(run, [score_table(_scores_of(results, run.name))]), level=3)
            for name, run in rest.items()
        ),
    ]


def _noted(run: Predictions, blocks: Sequence[Block]) -> list[Block]:
    """The blocks of a benchmark, below what must be known of all its scores."""
    about = about_run(run.header)
    return [*([Caution("Caution.", about.note)] if about and about.note else []), *blocks]


def compared_sections(a: Results, b: Results) -> list[Section]:
    """The output of `python -m eval compare`, subgroups folded, or why nothing can be compared."""
    title = "Item by item"
    try:
        found = comparison(a.folder, b.folder)
    except EvalError as error:
        return [Section(title, [Paragraph(str(error))])]
    overall, *parts = map(Table, found.tables())
    blocks: list[Block] = [Paragraph(f"a: {a.folder}; b: {b.folder}"), overall, Table(same_table(found.same))]
    return [
        Section(title, [*blocks, *map(Paragraph, [found.legend, *found.warnings])]),
        *(Section(f"{title}: subgroups", [part], level=3, folded=True) for part in parts),
    ]


def score_table(scores: Iterable[Score]) -> Table:
    """Tabulate scores with interval, n, unscored items and note."""
    rows: list[list[str | Cell]] = [[*SCORE_HEAD]]
    for score in scores:
        percent = score.unit == "fraction"
        subgroup = ", ".join(f"{key} {value}" for key, value in score.subgroup.items())
        value = "–" if score.value is None else number(score.value, percent=percent) + (" %" if percent else "")
        name = f"{score.metric}, {subgroup}" if subgroup else score.metric
        rows.append([name, Cell(value, small_print(score, percent=percent)), score.note])
    return Table(rows, own=(1,))


def split_sections(found: Results) -> list[Section]:
    """The scores of runs over dataset splits: exact match, and MultiMedEval's metrics."""
    if not found.data_runs:
        return []
    exact: list[Block] = [
        Paragraph(EXACT_NOTE),
        Table(exact_table(found)),
        draw_scores(found),
        Table(kind_table(found)),
    ]
    metrics: list[Block] = [Paragraph(MULTIMEDEVAL_NOTE), Table(multimedeval_table(found))]
    return [Section("Exact match", exact), Section("MultiMedEval VQA metrics", metrics)]


def other_results(against: str | None) -> Results | None:
    """Read the results folder that `against` names; None for "published" or if it is None.

    Raises:
        EvalError: there is no such folder.
    """
    if against in (None, PUBLISHED):
        return None
    folder = Path(against or "")
    if not folder.is_dir():
        raise EvalError(f"--against {against}: no such folder. Give `{PUBLISHED}` or another results folder.")
    return Results.read(folder)


def _table_sections(
    table: PaperTable, columns: Sequence[Column], results: Results, *, with_published: bool
) -> list[Section]:
    drawn = (draw(table, columns, with_published=with_published) for draw in (bars, radar))
    figures: list[Figure] = [figure for figure in drawn if figure]
    blocks: list[Block] = [side_by_side(table, columns, with_published=with_published)]
    notes = table.notes if with_published else ()
    sections = [Section(table.title, [*blocks, *map(Paragraph, notes), *figures], level=3)]
    shown = {(row.metric, tuple(row.subgroup.items())) for row in table.rows}
    for name in _benchmarks(table):
        if name in results.benchmark_runs:
            scores = _scores_of(results, results.benchmark_runs[name].name)
            rest = [score for score in scores if (score.metric, tuple(score.subgroup.items())) not in shown]
            if rest:
                sections.append(Section(f"Further scores: {name}", [score_table(rest)], level=4, folded=True))
    return sections


def _scores_of(results: Results, run: str) -> list[Score]:
    return [score for score in results.scores if score.name == run]


def _benchmarks(table: PaperTable) -> list[str]:
    return list(dict.fromkeys(row.benchmark for row in table.rows))
