"""What every file of rows has in common: it can be cut into slices, and each slice read by itself."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.rows import Rejected


class TableError(ValueError):
    """A file of rows that is cut off, or that is not of its kind at all; the message names the file."""


class Mark(NamedTuple):
    """A place between two rows: the number of rows before it, and where it is in the table's own unit."""

    row: int
    offset: int


class Table(ABC):
    """One file of rows. Consecutive slices, one after the other, give exactly the rows of one pass."""

    path: Path

    @abstractmethod
    def marks(self, every: int) -> Iterator[Mark]:
        """The marks before row 0, `every`, 2 x `every` and so on, and at last the one behind the last row.

        Raises TableError for a file that is cut off or that is not of this kind.
        """

    @abstractmethod
    def rows(self, start: Mark, count: int) -> Iterator[tuple[str, dict[str, Any] | Rejected]]:
        """At most `count` rows from a mark on: the place ("line 3", "row 3", from 1) and the row.

        What is not a usable row is Rejected, never skipped. At most a slice is in memory.
        """


def all_rows(table: Table) -> Iterator[tuple[str, dict[str, Any] | Rejected]]:
    """Every row of a table, in one pass."""
    *_, end = table.marks(1 << 60)
    return table.rows(next(iter(table.marks(1 << 60))), end.row)
