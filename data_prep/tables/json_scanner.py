"""JSON of any size, scanned value by value: memory is bounded by one block and the longest value."""

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

BLOCK = 1 << 18
MAX_VALUE = 1 << 26
_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?P<end>"?)|[][{},]', re.DOTALL)

decoder = json.JSONDecoder(parse_constant=lambda name: None)


class ScanError(ValueError):
    """Text that is not JSON, or that ends too early."""


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


class Scanner:
    """A window of a file as text, and the current position in it. Bytes that are not UTF-8 become lone surrogates."""

    def __init__(self, file: BinaryIO) -> None:
        self._text, self._at, self._value_at, self._has_bad_bytes = "", 0, 0, False
        self._file, self._start, self._cut = file, file.tell(), b""

    def byte(self) -> int:
        """The current position as a byte offset in the file."""
        return self._byte(self._at)

    def byte_of_value(self) -> int:
        """The start of the last value as a byte offset in the file, until more is scanned."""
        return self._byte(self._value_at)

    def peek(self) -> str:
        """Skip blanks and return the next character; "" at the end of the file."""
        self._at = _skip_blanks(self._text, self._at)
        while self._at == len(self._text):
            if not self._more():
                return ""
            self._at = _skip_blanks(self._text, self._at)
        return self._text[self._at]

    def take(self, wanted: str) -> str:
        """Skip blanks, and pass and return one of these characters. Raises ScanError if another one is next."""
        found = self.peek()
        if not found or found not in wanted:
            raise ScanError(f"{found!r} instead of {' or '.join(wanted)}" if found else "cut off")
        self._at += 1
        return found

    def value(self, before: str) -> Any:
        """Pass and return the value at the current position, or BadItem for one that cannot be used.

        `before` holds the characters that may follow it. Reads on until the one that does is known, since a number at
        the end of the window may go on. Raises ScanError.
        """
        self.peek()
        while True:
            wrong = "cut off"
            try:
                value, end = self._parsed()
                after = _skip_blanks(self._text, end)
                if self._text[after : after + 1] in tuple(before):
                    self._value_at, self._at = self._at, end
                    return value
                if after < len(self._text):
                    wrong = f"{self._text[after]!r} instead of {' or '.join(before)}"
                    if len(self._text) - end > len("e+"):  # otherwise a number may be cut off by the window: 1.5e+
                        break
            except json.JSONDecodeError as error:
                wrong = error.msg
            if len(self._text) - self._at > MAX_VALUE or not self._more():
                break
        raise ScanError(wrong)

    def _byte(self, at: int) -> int:
        return self._start + len(self._text[:at].encode("utf-8", "surrogateescape"))

    def _parsed(self) -> tuple[Any, int]:
        text, at = self._text, self._at
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            return BadItem(why(error)), _end_of_value(text, at)
        if self._has_bad_bytes and not _is_unicode(text[at:end]):
            return BadItem("not UTF-8"), end
        return value, end

    def _more(self) -> bool:
        """Drop the text before the current position, and read at least as much again as is kept."""
        kept = self._text[self._at :]
        block = self._file.read(max(BLOCK, len(kept)))
        data = self._cut + block
        try:
            new, used = codecs.utf_8_decode(data, "strict", not block)
        except UnicodeDecodeError:
            self._has_bad_bytes = True
            new, used = codecs.utf_8_decode(data, "surrogateescape", not block)
        self._start, self._cut = self.byte(), data[used:]
        self._text, self._at = kept + new, 0
        return bool(data)


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
