"""Rows of a CSV file with a header row."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, override

from data_prep.rows import Rejected
from data_prep.tables.table import BOM, Mark, PlacedRows, Table, TableError, text_head

MAX_FIELD = 1 << 20


class CsvTable(Table):
    """One CSV file in UTF-8; all values are text, blank lines are skipped. The offset of a mark is in bytes.

    `delimiter` is a tab in TSV files. Column names that are not distinct, and a quote left open at the end, are a
    TableError.
    """

    def __init__(self, path: str | Path, delimiter: str = ",") -> None:
        self.path = Path(path)
        self.delimiter = delimiter

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        text_head(self.path)
        with self.path.open("rb") as file:
            lines = _Lines(file)
            self._names(lines)
            row = 0
            for record in self._records(lines):
                if row % every == 0:
                    yield Mark(row, record.offset)
                row += 1
            yield Mark(row, lines.offset)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        with self.path.open("rb") as file:
            names = self._names(_Lines(file))
            file.seek(start.offset)
            for number, record in enumerate(islice(self._records(_Lines(file)), count), start=start.row + 1):
                yield f"row {number}", self._row(f"row {number}", names, record)

    def _row(self, place: str, names: list[str], record: "_Record") -> dict[str, Any] | Rejected:
        wrong = record.wrong
        if not wrong and len(record.fields) != len(names):
            wrong = f"{len(record.fields)} fields instead of {len(names)}"
        if wrong:
            return Rejected(place, "bad_row", f"{self.path}: {place}, at byte {record.offset}: {wrong}")
        return dict(zip(names, record.fields, strict=True))

    def _names(self, lines: "_Lines") -> list[str]:
        record = next(self._records(lines), _Record([], 0, "no row"))
        names = [name.strip() for name in record.fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        wrong = record.wrong or (f"{', '.join(map(repr, twice))} twice" if twice else "")
        if wrong:
            raise TableError(f"{self.path}: the first row must name each column once ({wrong}); export it again")
        return names

    def _records(self, lines: "_Lines") -> Iterator["_Record"]:
        csv.field_size_limit(MAX_FIELD)
        reader = csv.reader(lines, delimiter=self.delimiter)
        while True:
            offset, lines.not_utf8 = lines.offset, False
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield _Record([], offset, f"{error}; is a quote left open?")
                continue
            if lines.ended:  # the reader reached the end of the file within the row
                raise TableError(f"{self.path}: the last row has an open quote; download or export it again")
            if fields:
                yield _Record(fields, offset, "not UTF-8" if lines.not_utf8 else "")


class _Record(NamedTuple):
    fields: list[str]
    offset: int
    """The byte at which it starts."""
    wrong: str
    """Why it cannot be used, or ""."""


class _Lines:
    """The lines of a file as text, without a byte order mark, and the offset reached."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.offset = file.tell()
        self.ended = self.not_utf8 = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            self.ended = True
            raise StopIteration
        text = line.removeprefix(BOM) if self.offset == 0 else line
        self.offset += len(line)
        try:
            return text.decode()
        except UnicodeDecodeError:
            self.not_utf8 = True
            return text.decode(errors="replace")
