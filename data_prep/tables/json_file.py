"""Rows of a JSON list or of JSON Lines, distinguished by content: released files of both formats are named .json."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, override

from data_prep.rows import Rejected
from data_prep.tables.json_list import JsonList
from data_prep.tables.json_scanner import BadItem, decoder, why
from data_prep.tables.table import Mark, PlacedRows, Table, TableError, after_bom, text_head

MAX_LINE = 1 << 26
_BYTE = (1 << 44) - 1


class JsonTable(Table):
    """One JSON file. NaN and Infinity, which are not JSON, become None; of a repeated key the last value counts.

    The offset of a mark is in bytes; in JSON Lines the number of preceding blank lines is stored above its 44 bits.
    A place is "item 3" of a list, or "line 3" of JSON Lines. A list that is truncated or followed by anything is a
    TableError.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @override
    def reads(self) -> str:
        return f"json {self.path}"

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        start = text_head(self.path)
        with self.path.open("rb") as file:
            file.seek(after_bom(file))
            if start.lstrip().startswith(b"["):
                yield from JsonList(file, self.path).marks(every)
                return
            self._refuse_other_text(start)
            yield from _line_marks(file, every)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        is_list = text_head(self.path).lstrip().startswith(b"[")
        with self.path.open("rb") as file:
            file.seek(start.offset & _BYTE)
            values = _items(file, self.path, start) if is_list else _parsed_lines(file, start)
            for place, value in islice(values, count):
                yield place, value if isinstance(value, dict) else self._rejected(place, value)

    def _rejected(self, place: str, value: Any) -> Rejected:
        what = value.why if isinstance(value, BadItem) else f"{type(value).__name__} instead of an object"
        return Rejected(place, "bad_json", f"{self.path}: {place}: {what}")

    def _refuse_other_text(self, start: bytes) -> None:
        lines = [line.strip() for line in start.strip().splitlines()]
        if lines[:1] == [b"{"] or not any(line.startswith(b"{") for line in lines):
            raise TableError(f"{self.path}: neither a JSON list nor JSON Lines (one object a line); export it again")


def _items(file: BinaryIO, path: Path, start: Mark) -> Iterator[tuple[str, Any]]:
    for number, value in enumerate(JsonList(file, path, start), start=start.row + 1):
        yield f"item {number}", value


def _lines(file: BinaryIO, blank: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Yield the offset of each non-blank line, the number of blank lines before it, and the line.

    A line that is too long is truncated, without its line end.
    """
    offset = file.tell()
    while line := file.readline(MAX_LINE):
        here, offset = offset, offset + len(line)
        if line.isspace():
            blank += line.endswith(b"\n")
            continue
        yield here, blank, line
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)
            offset += len(line)
    yield offset, blank, b""


def _line_marks(file: BinaryIO, every: int) -> Iterator[Mark]:
    for row, (offset, blank, line) in enumerate(_lines(file)):
        if not line or row % every == 0:
            yield Mark(row, offset | blank << _BYTE.bit_length())


def _parsed_lines(file: BinaryIO, start: Mark) -> Iterator[tuple[str, Any]]:
    blank = start.offset >> _BYTE.bit_length()
    for row, (_, blanks, line) in enumerate(_lines(file, blank), start=start.row):
        if line:
            yield f"line {row + blanks + 1}", _parsed(line)


def _parsed(line: bytes) -> Any:
    if len(line) == MAX_LINE and not line.endswith(b"\n"):
        return BadItem(f"a line of more than {MAX_LINE} bytes")
    try:
        return decoder.decode(line.decode())
    except (ValueError, RecursionError) as error:
        at = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        return BadItem(why(error) + at)
