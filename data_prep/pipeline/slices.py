"""First stage: where each table can be cut, so that tasks of at most 20,000 rows are read apart from each other."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from data_prep.pipeline.stage import Work, putting, run
from data_prep.sources.base import Source
from data_prep.tables.base import Mark

STAGE = "slices"
ROWS = 20_000


@dataclass(frozen=True)
class Slice:
    """Some consecutive rows of one table; `source` and `table` are numbers from 0 in the order of the mixture."""

    source: int
    table: int
    start: Mark
    rows: int


def cut(work: Work, sources: list[Source]) -> list[Slice]:
    """The slices of all sources, in order. Raises TableError for a file that is cut off."""
    every = ROWS
    tables = [(number, table) for number, source in enumerate(sources) for table in range(len(source.tables()))]

    def task(rank: int, tick: Callable[[int], None]) -> None:
        number, table = tables[rank]
        marks = []
        for mark in sources[number].tables()[table].marks(every):
            marks.append(mark)
            tick(1)
        with putting(work.path(STAGE, rank, "json")) as path:
            path.write_text(json.dumps(marks))

    run(work, STAGE, task, [1] * len(tables), "tables")
    return [
        Slice(source, table, start, end.row - start.row)
        for rank, (source, table) in enumerate(tables)
        for start, end in _pairs(work.path(STAGE, rank, "json"))
        if end.row > start.row
    ]


def _pairs(path: Path) -> list[tuple[Mark, Mark]]:
    marks = [Mark(*mark) for mark in json.loads(path.read_text())]
    return list(pairwise(marks))
