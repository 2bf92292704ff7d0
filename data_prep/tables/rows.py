"""Rows that a function makes: for small files, and for rows that are gathered from several places."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from data_prep.rows import Rejected
from data_prep.tables.base import Mark, Table

Made = Iterator[tuple[str, dict[str, Any] | Rejected]]


class RowsTable(Table):
    """The places and rows that `make()` gives, the same ones each time. `path` is the file they depend on.

    A slice makes the rows before it once more. The offset of a mark is its row.
    """

    def __init__(self, path: str | Path, make: Callable[[], Made]) -> None:
        self.path = Path(path)
        self._make = make

    def marks(self, every: int) -> Iterator[Mark]:
        """As Table says; raises what `make` raises."""
        row = 0
        for _ in self._make():
            if row % every == 0:
                yield Mark(row, row)
            row += 1
        yield Mark(row, row)

    def rows(self, start: Mark, count: int) -> Made:
        """As Table says."""
        yield from islice(self._make(), start.row, start.row + count)
