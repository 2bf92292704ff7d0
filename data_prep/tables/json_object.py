"""The key-value pairs of a JSON object of any size, one by one: memory is bounded by the longest value."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_prep.tables.json_scanner import BadItem, ScanError, Scanner
from data_prep.tables.table import TableError, after_bom


def pairs(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of the object in the file, in order. NaN and Infinity become None.

    Raises TableError, when it is reached, if the file is truncated or not a JSON object.
    """
    with path.open("rb") as file:
        file.seek(after_bom(file))
        try:
            yield from _pairs(Scanner(file))
        except ScanError as error:
            raise TableError(f"{path}: not a complete JSON object ({error}); download it again") from error


def _pairs(scanner: Scanner) -> Iterator[tuple[str, Any]]:
    scanner.take("{")
    more = scanner.peek() != "}"
    if not more:
        scanner.take("}")
    while more:
        key = _usable(scanner.value(before=":"))
        if not isinstance(key, str):
            raise ScanError(f"a key is {key!r:.40}")
        scanner.take(":")
        yield key, _usable(scanner.value(before=",}"))
        more = scanner.take(",}") == ","
    if scanner.peek():
        raise ScanError("there is data after the object")


def _usable(value: Any) -> Any:
    if isinstance(value, BadItem):
        raise ScanError(value.why)
    return value
