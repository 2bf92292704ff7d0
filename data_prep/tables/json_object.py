"""The key-value pairs of a JSON object too large for memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from data_prep.tables.table import TableError

BLOCK = 1 << 20
MAX_PAIR = 1 << 26


def pairs(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of the object in the file, in order; memory is bounded by the largest value.

    Raises TableError, when it is reached, if the file is truncated or not a JSON object.
    """
    with path.open(encoding="utf-8-sig") as file:
        try:
            yield from _Scanner(file).pairs()
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise TableError(f"{path}: not a complete JSON object ({why}); download it again") from error


class _Scanner:
    """A window over the text of a file, moved forward as values are parsed."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._text, self._at = file, "", 0
        self._decoder = json.JSONDecoder()

    def pairs(self) -> Iterator[tuple[str, Any]]:
        """Yield every pair. Raises ValueError."""
        self._take("{")
        more = self._peek() != "}"
        if not more:
            self._take("}")
        while more:
            key = self._value()
            if not isinstance(key, str):
                raise ValueError(f"a key is {key!r:.40}")
            self._take(":")
            yield key, self._value()
            more = self._take(",}") == ","
        if self._peek():
            raise ValueError("there is data after the object")

    def _peek(self) -> str:
        """The next non-blank character, or "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at].isspace():
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _take(self, wanted: str) -> str:
        found = self._peek()
        if not found or found not in wanted:
            raise ValueError(f"{found!r} instead of {' or '.join(wanted)}" if found else "it is cut off")
        self._at += 1
        return found

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if len(self._text) - self._at > MAX_PAIR or not self._more():
                    raise
                continue
            if len(self._text) - end < len("e+.") and self._more():
                continue  # a number cut by the window ("1.5e+") parses as a shorter one
            self._at = end
            return value

    def _more(self) -> bool:
        block = self._file.read(BLOCK)
        if block:
            self._text, self._at = self._text[self._at :] + block, 0
        return bool(block)
