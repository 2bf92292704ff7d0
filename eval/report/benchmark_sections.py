"""The report's sections on benchmarks: the paper's tables, what is beyond them, and the other results folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.compare import LEGEND as COMPARE_LEGEND
from eval.compare import comparison
from eval.errors import EvalError
from eval.report.beside_paper import LEGEND, NEAR_LEGEND, Ours, beside, number, ours, small
from eval.report.blocks import Block, Cell, Figure, Paragraph, Section, Table
from eval.report.paper_figures import bars, radar
from eval.report.paper_tables import TABLES, PaperTable, document
from eval.report.results import Results
from eval.scores import Score

PUBLISHED = "published"
ASK_PUBLISHED = "The published numbers stand beside ours with `--against published`."
SCORE_HEAD = ["", "value", "note"]


def paper_sections(
    all_results: Sequence[Results], tables: Sequence[PaperTable], *, with_published: bool
) -> list[Section]:
    """One section a table that has any number of ours, each with its figures and the further scores of its benchmarks.

    The first of the results is the one that the report is of.
    """
    first = all_results[0]
    run = {row.benchmark for table in tables for row in table.rows} & {*first.benchmark_runs}
    if not run:
        return []
    about = f"{NEAR_LEGEND} Published numbers: {document()['source']}." if with_published else ASK_PUBLISHED
    sections = [Section("The paper's tables", [Paragraph(f"{LEGEND} {about}")])]
    left = [table for table in tables if not any(row.benchmark in run for row in table.rows)]
    for table in tables:
        if table not in left:
            columns = [ours(table, results) for results in all_results]
            sections += _table_sections(table, columns, first, with_published=with_published)
    if left:
        missing = "; ".join(f"{table.title} ({', '.join(_benchmarks(table))})" for table in left)
        sections.append(Section("Tables without a number of ours", [Paragraph(f"Not run: {missing}.")], level=3))
    return sections


def further_sections(results: Results) -> list[Section]:
    """Every score of the benchmarks that no table of the paper has."""
    in_paper = {row.benchmark for table in TABLES for row in table.rows}
    rest = {name: run for name, run in results.benchmark_runs.items() if name not in in_paper}
    if not rest:
        return []
    return [
        Section("Beyond the paper", [Paragraph(LEGEND)]),
        *(Section(name, [score_table(_scores_of(results, run.name))], level=3) for name, run in rest.items()),
    ]


def compared_section(a: Results, b: Results) -> Section:
    """What `python -m eval compare` says of the two folders; where nothing can be compared, why."""
    title = "Item by item"
    try:
        found = comparison(a.folder, b.folder)
    except EvalError as error:
        return Section(title, [Paragraph(str(error))])
    blocks: list[Block] = [Paragraph(f"a: {a.folder}; b: {b.folder}"), Table(found.table()), Paragraph(COMPARE_LEGEND)]
    return Section(title, [*blocks, *map(Paragraph, found.warnings)])


def score_table(scores: Iterable[Score]) -> Table:
    """Every score with its interval, n, unscored items and note."""
    rows: list[list[str | Cell]] = [[*SCORE_HEAD]]
    for score in scores:
        percent = score.unit == "fraction"
        subgroup = ", ".join(f"{key} {value}" for key, value in score.subgroup.items())
        value = "–" if score.value is None else number(score.value, percent=percent) + (" %" if percent else "")
        name = f"{score.metric}, {subgroup}" if subgroup else score.metric
        rows.append([name, Cell(value, small(score, percent=percent)), score.note])
    return Table(rows, own=(1,))


def _table_sections(
    table: PaperTable, columns: Sequence[Ours], results: Results, *, with_published: bool
) -> list[Section]:
    drawn = (draw(table, columns, with_published=with_published) for draw in (bars, radar))
    figures: list[Figure] = [figure for figure in drawn if figure]
    blocks: list[Block] = [beside(table, columns, with_published=with_published)]
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


def other_results(against: str | None) -> Results | None:
    """Read the results folder that `against` names; None for "published" and for nothing.

    Raises:
        EvalError: it is neither.
    """
    if against in (None, PUBLISHED):
        return None
    folder = Path(against or "")
    if not folder.is_dir():
        raise EvalError(f"--against {against}: say {PUBLISHED}, or name another results folder.")
    return Results.read(folder)
