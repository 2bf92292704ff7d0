"""Rows of a pickled list, loaded without calling anything that the pickle names."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, override

from data_prep.rows import Rejected
from data_prep.tables.table import Mark, PlacedRows, Table, TableError, head

MAX_BYTES = 1 << 28


class PickleTable(Table):
    """A pickled list of dicts, of Python 2 or 3, loaded whole. The offset of a mark is its row.

    A pickle that calls a function is a TableError, and the function is not called.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        total = len(self._load())
        yield from (Mark(row, row) for row in range(0, total, every))
        yield Mark(total, total)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        for number, value in enumerate(self._load()[start.row : start.row + count], start=start.row + 1):
            place = f"item {number}"
            if isinstance(value, dict) and all(isinstance(key, str) for key in value):
                yield place, value
            else:
                what = (
                    "a key that is no text" if isinstance(value, dict) else f"{type(value).__name__} instead of a dict"
                )
                yield place, Rejected(place, "bad_row", f"{self.path}: {place}: {what}")

    def _load(self) -> list[Any]:
        head(self.path)
        size = self.path.stat().st_size
        if size > MAX_BYTES:
            raise TableError(f"{self.path}: {size} bytes, at most {MAX_BYTES} for a pickle; export it as JSON Lines")
        try:
            rows = _plain_data(self.path.read_bytes())
        except _NotPlainError as error:
            raise TableError(f"{self.path}: the pickle {error}; only plain data is read from a pickle") from error
        except Exception as error:  # broken bytes may raise anything
            raise TableError(f"{self.path}: not a complete pickle ({error}); download it again") from error
        if not isinstance(rows, list):
            raise TableError(f"{self.path}: a pickled {type(rows).__name__} instead of a list of rows")
        return rows


class _NotPlainError(ValueError):
    """A pickle that holds more than plain data; the message completes "the pickle"."""


# the Python implementation: the C one allocates memory for the highest memo index in a pickle
class _Unpickler(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("builtins", "set"): lambda items=(): set(items),
            ("builtins", "frozenset"): lambda items=(): frozenset(items),
            ("collections", "OrderedDict"): OrderedDict,
            # bytes in protocols before 3
            ("builtins", "bytes"): lambda: b"",
            ("_codecs", "encode"): lambda text, _: text.encode("latin-1"),
        }
        wanted = (module.replace("__builtin__", "builtins"), name)  # the name in Python 2
        if wanted not in known:
            raise _NotPlainError(f"calls {module}.{name}, which was not run")
        return known[wanted]


def _plain_data(data: bytes) -> Any:
    """The object in a pickle. Text of Python 2, whose encoding is not recorded, is read as UTF-8 or else Latin-1."""
    for encoding in ("utf-8", "latin-1"):
        file = io.BytesIO(data)
        try:
            value = _Unpickler(file, encoding=encoding).load()
        except UnicodeDecodeError:
            continue
        if file.read(1):
            raise _NotPlainError("goes on after its first object")
        return value
    raise _NotPlainError("holds text in no known encoding")
