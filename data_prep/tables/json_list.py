"""A JSON list of any size, item by item: memory is bounded by the longest item."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from data_prep.tables.json_scanner import ScanError, Scanner
from data_prep.tables.table import Mark, TableError


class JsonList:
    """The items of a list, from a mark on, or from the opening bracket."""

    def __init__(self, file: BinaryIO, path: Path, start: Mark | None = None) -> None:
        self._path, self._scanner = path, Scanner(file)
        self._inside = start is not None
        self._row = start.row if start else 0

    def marks(self, every: int) -> Iterator[Mark]:
        """The marks of the list, as in `Table.marks`."""
        for _ in self:
            if self._row % every == 0:
                yield Mark(self._row, self._scanner.byte_of_value())
        yield Mark(self._row, self._end)

    def __iter__(self) -> Iterator[Any]:
        """Yield each value, or BadItem. Raises TableError unless the file is one complete list."""
        scanner = self._scanner
        if not self._inside:
            scanner.take("[")
        more = scanner.peek() != "]"
        while more:
            yield self._item()
            self._row += 1
            more = scanner.take(",]") == ","
        if not self._row:
            scanner.take("]")
        self._end = scanner.byte() - 1
        if scanner.peek():
            raise self._error(f"text after its end at byte {self._end}")

    def _item(self) -> Any:
        try:
            return self._scanner.value(before=",]")
        except ScanError as error:
            raise self._error(f"item {self._row + 1}, at byte {self._scanner.byte()}: {error}") from error

    def _error(self, wrong: str) -> TableError:
        return TableError(f"{self._path}: not a complete JSON list ({wrong}); download or export it again")
