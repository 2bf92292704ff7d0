"""First stage: cut each table into slices of at most 20,000 rows, which tasks read independently."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from data_prep.atomic import atomic_write
from data_prep.pipeline.stage import BuildFolder, run
from data_prep.sources.source import Source
from data_prep.tables.table import Mark

STAGE = "slices"
ROWS = 20_000


@dataclass(frozen=True)
class Slice:
    """Consecutive rows of one table; `source` and `table` are indices from 0, in the order of the mixture."""

    source: int
    table: int
    start: Mark
    rows: int


def cut(workdir: BuildFolder, sources: list[Source]) -> list[Slice]:
    """The slices of all sources, in order. Raises TableError for a truncated file."""
    every = ROWS
    tables = [(number, table) for number, source in enumerate(sources) for table in range(len(source.tables()))]
    distinct = list({_what_is_read(sources, *place): place for place in reversed(tables)}.values())[::-1]

    def task(rank: int, advance: Callable[[int], None]) -> None:
        number, table = distinct[rank]
        marks = []
        for mark in sources[number].tables()[table].marks(every):
            marks.append(mark)
            advance(1)
        with atomic_write(workdir.path(STAGE, rank, "json")) as path:
            path.write_text(json.dumps(marks))

    run(workdir, STAGE, task, [1] * len(distinct), "tables")
    ranks = {_what_is_read(sources, *place): rank for rank, place in enumerate(distinct)}
    return [
        Slice(source, table, start, end.row - start.row)
        for source, table in tables
        for start, end in _pairs(workdir.path(STAGE, ranks[_what_is_read(sources, source, table)], "json"))
        if end.row > start.row
    ]


def read_together(slices: list[Slice], sources: list[Source]) -> list[list[int]]:
    """The indices of the slices, grouped by the rows that they read: several sources may read one file."""
    groups: dict[tuple[object, Mark], list[int]] = {}
    for rank, part in enumerate(slices):
        groups.setdefault((_what_is_read(sources, part.source, part.table), part.start), []).append(rank)
    return list(groups.values())


def _what_is_read(sources: list[Source], source: int, table: int) -> object:
    return sources[source].tables()[table].reads() or (source, table)


def _pairs(path: Path) -> list[tuple[Mark, Mark]]:
    marks = [Mark(*mark) for mark in json.loads(path.read_text())]
    return list(pairwise(marks))
