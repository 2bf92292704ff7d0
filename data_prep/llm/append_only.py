"""An append-only JSON Lines file: one record per line, so that an interrupted run loses at most the line being written.

A killed process can leave half a line at the end of the file: readers ignore it, and opening the file for appending
removes it. Any other line that is not a JSON object means that the file was edited or damaged, and is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_BLOCK = 1 << 16


class DamagedFileError(ValueError):
    """A complete line of the file is not a JSON object."""


class AppendOnlyFile:
    """One JSON Lines file. Creating an instance touches nothing; `open` prepares the file for `append`.

    Attributes:
        path: of the file, which need not exist yet.
    """

    def __init__(
        self, path: Path, remedy: str = "Remove that line.", error: type[ValueError] = DamagedFileError
    ) -> None:
        """Set what a damaged file raises: an `error` that names the file and the line and ends with the `remedy`."""
        self.path = path
        self._remedy, self._error = remedy, error

    def open(self) -> None:
        """Create the parent folder, remove an incomplete last line. The file itself is created by its first record."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            with self.path.open("r+b") as file:
                size = file.seek(0, os.SEEK_END)
                end = _end_of_last_line(size, file)
                # Truncating to the same size would still set the file's time on some file systems.
                if end < size:
                    file.truncate(end)

    def append(self, records: Iterable[Mapping[str, Any]]) -> int:
        """Write complete lines, all of them in one call; return the offset of the first, for `record_at`.

        Records that are not JSON raise TypeError, nothing is written.
        If the write fails (a full disk), the file is cut back to its last complete line.
        """
        lines = b"".join([_line(record) for record in records])
        with self.path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                written = 0
                while written < len(lines):
                    written += file.write(lines[written:])
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(end)
                raise
        return end

    def records(self) -> Iterator[Record]:
        """Iterate over the complete lines; none if there is no file. Nothing is written.

        Raises:
            DamagedFileError, or the `error` given: a complete line is not a JSON object.
        """
        return (record for _, record in self.placed_records())

    def placed_records(self) -> Iterator[tuple[int, Record]]:
        """Like `records`, each with its offset in the file."""
        if not self.path.exists():
            return
        offset = 0
        # A binary file is split at b"\n" only. splitlines() would also split at the line separators of Unicode,
        # which may occur inside a text.
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield offset, self._parsed(line, number)
                offset += len(line)

    def record_at(self, offset: int) -> Record:
        """The record of the line that starts at an offset."""
        with self.path.open("rb") as file:
            file.seek(offset)
            record: Record = json.loads(file.readline())
        return record

    def _parsed(self, line: bytes, number: int) -> Record:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._error(f"{self.path}: line {number} is not JSON ({error}). {self._remedy}") from error
        if not isinstance(record, dict):
            raise self._error(f"{self.path}: line {number} is not a JSON object. {self._remedy}")
        return record


def _line(record: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair: UTF-8 cannot hold it, a JSON escape can
        return json.dumps(record).encode() + b"\n"


def _end_of_last_line(size: int, file: Any) -> int:
    """Offset just behind the last newline, searched block by block from the end."""
    while size:
        start = max(0, size - _BLOCK)
        file.seek(start)
        newline = file.read(size - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        size = start
    return 0
