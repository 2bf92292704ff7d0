"""Rows of a JSON list or of JSON Lines, told apart by content: released files of both kinds are named .json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_prep.rows import Rejected

_BOM = b"\xef\xbb\xbf"


class JsonFileError(ValueError):
    """A file that cannot be read as JSON at all."""


def json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | Rejected]]:
    """The place ("line 3", "item 3", from 1) and the object of each row; what is not an object is Rejected.

    A byte order mark and CRLF line ends are accepted. Raises JsonFileError for a list that is cut off, since
    nothing tells how much of it is missing.
    """
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(_BOM).lstrip()
    pairs = _list_items(path) if start.startswith(b"[") else _lines(path)
    for place, value in pairs:
        if isinstance(value, (dict, Rejected)):
            yield place, value
        else:
            yield place, Rejected(place, "bad_json", f"{path}: {place}: {type(value).__name__} instead of an object")


def _list_items(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        items = json.loads(path.read_bytes())
    except ValueError as error:
        raise JsonFileError(f"{path}: not a complete JSON list ({error}); download or export it again") from error
    for number, item in enumerate(items, start=1):
        yield f"item {number}", item


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(_BOM) if number == 1 else line
            if not text.strip():
                continue
            place = f"line {number}"
            try:
                yield place, json.loads(text)
            except ValueError as error:
                yield place, Rejected(place, "bad_json", f"{path}: {place}: {error}")
