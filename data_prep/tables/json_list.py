"""A JSON list of any size, parsed item by item: memory is bounded by one block and the longest item."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from data_prep.tables.table import Mark, TableError

BLOCK = 1 << 18
MAX_ITEM = 1 << 26
_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?P<end>"?)|[][{},]', re.DOTALL)

decoder = json.JSONDecoder(parse_constant=lambda name: None)


@dataclass(frozen=True)
class BadItem:
    """A piece of JSON that cannot be used, and why."""

    why: str


def why(error: Exception) -> str:
    """The decoder's error in a few words."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "not UTF-8" if isinstance(error, UnicodeError) else str(error).partition(":")[0]


class JsonList:
    """The items of a list, from a mark on, or from the opening bracket."""

    def __init__(self, file: BinaryIO, path: Path, start: Mark | None = None) -> None:
        self._path, self._window = path, _Window(file)
        self._inside = start is not None
        self._row = start.row if start else 0

    def marks(self, every: int) -> Iterator[Mark]:
        """The marks of the list, as in `Table.marks`."""
        for _ in self:
            if self._row % every == 0:
                yield Mark(self._row, self._window.byte())
        yield Mark(self._row, self._window.byte())

    def __iter__(self) -> Iterator[Any]:
        """Yield each value, or BadItem. Raises TableError unless the file is one complete list."""
        window = self._window
        if not self._inside and window.peek() == "[":
            window.at += 1
        more = window.peek() != "]"
        while more:
            value, end = self._item()
            yield value
            self._row += 1
            window.at = end
            more = window.peek() == ","
            if more:
                window.at += 1
                window.peek()
        end_of_list = window.byte()
        window.at += 1
        if window.peek():
            raise self._error(f"text after its end at byte {end_of_list}")

    def _item(self) -> tuple[Any, int]:
        """The item at the current position, and its end. Reads on until the character after it is known."""
        window = self._window
        while True:
            wrong = "cut off"
            try:
                value, end = self._value()
                after = _skip_blanks(window.text, end)
                if window.text[after : after + 1] in (",", "]"):
                    return value, end
                if after < len(window.text):
                    raise self._error(f"{window.text[after]!r} behind item {self._row + 1}")
            except json.JSONDecodeError as error:
                wrong = error.msg
            if len(window.text) - window.at > MAX_ITEM or not window.more():
                raise self._error(f"item {self._row + 1}, at byte {window.byte()}: {wrong}")

    def _value(self) -> tuple[Any, int]:
        text, at = self._window.text, self._window.at
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            return BadItem(why(error)), _end_of_value(text, at)
        if self._window.has_bad_bytes and not _is_unicode(text[at:end]):
            return BadItem("not UTF-8"), end
        return value, end

    def _error(self, wrong: str) -> TableError:
        return TableError(f"{self._path}: not a complete JSON list ({wrong}); download or export it again")


class _Window:
    """A window of the file as text, and the current position in it. Bytes that are not UTF-8 become lone surrogates."""

    def __init__(self, file: BinaryIO) -> None:
        self.text, self.at, self.has_bad_bytes = "", 0, False
        self._file, self._start, self._cut = file, file.tell(), b""

    def more(self) -> bool:
        """Drop the text before the current position, and read at least as much again as is kept."""
        kept = self.text[self.at :]
        block = self._file.read(max(BLOCK, len(kept)))
        data = self._cut + block
        try:
            new, used = codecs.utf_8_decode(data, "strict", not block)
        except UnicodeDecodeError:
            self.has_bad_bytes = True
            new, used = codecs.utf_8_decode(data, "surrogateescape", not block)
        self._start, self._cut = self.byte(), data[used:]
        self.text, self.at = kept + new, 0
        return bool(data)

    def byte(self) -> int:
        """The current position as a byte offset in the file."""
        return self._start + len(self.text[: self.at].encode("utf-8", "surrogateescape"))

    def peek(self) -> str:
        """Skip blanks and return the next character; "" at the end of the file."""
        self.at = _skip_blanks(self.text, self.at)
        while self.at == len(self.text):
            if not self.more():
                return ""
            self.at = _skip_blanks(self.text, self.at)
        return self.text[self.at]


def _skip_blanks(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it also matches the empty string


def _end_of_value(text: str, at: int) -> int:
    """The end of a value that the decoder failed on. Raises JSONDecodeError if it is truncated."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        sign = token.group()
        depth += (sign in ("[", "{")) - (sign in ("]", "}"))
        if depth < 0 or (depth == 0 and sign == ","):
            return token.start()
        if depth == 0 and sign in ("]", "}"):
            return token.end()
        if sign.startswith('"') and not token["end"]:
            break
    raise json.JSONDecodeError("cut off", text, at)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
