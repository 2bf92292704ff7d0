"""Arabic versions of a benchmark's English questions, from a file of the user's own: no benchmark here ships any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.rows import Rejected
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import TableError, all_rows
from eval.errors import EvalError
from eval.items import Item

ARABIC_FILE = "arabic.jsonl"
COLUMNS = ("id", "question", "answer")


def with_arabic(folder: Path, english: list[Item], version: Callable[[Item, str, str], Item]) -> list[Item]:
    """Return the English items, then their Arabic versions where the folder has a file of them."""
    path = folder / ARABIC_FILE
    return [*english, *arabic_versions(path, english, version)] if path.is_file() else english


def arabic_versions(path: Path, items: Sequence[Item], version: Callable[[Item, str, str], Item]) -> list[Item]:
    """Return an Arabic item for each line of the file; `version` makes it from its English item, question and answer.

    Its id is the English item's with "-ar" behind it, and `facts` name that item under `version_of`.

    Raises:
        EvalError: a line without the three texts, an id that no English item has, or one that comes twice.
    """
    english = {item.id: item for item in items}
    found: dict[str, Item] = {}
    for place, row in _rows(path):
        item_id, question, answer = (_text(path, place, row, column) for column in COLUMNS)
        if item_id not in english:
            raise EvalError(
                f"{path}: {place}: no English item has the id {item_id!r}. Ids are those of the predictions."
            )
        if item_id in found:
            raise EvalError(f"{path}: {place}: the id {item_id!r} comes twice. Remove one of the lines.")
        arabic = version(english[item_id], question, answer)
        facts = {**arabic.facts, "version_of": item_id}
        found[item_id] = replace(arabic, id=f"{item_id}-ar", language="ar", facts=facts)
    return list(found.values())


def _rows(path: Path) -> list[tuple[str, dict[str, Any]]]:
    rows: list[tuple[str, dict[str, Any]]] = []
    try:
        for place, row in all_rows(JsonTable(path)):
            if isinstance(row, Rejected):
                raise EvalError(f"{row.detail}. Mend that line.")
            rows.append((place, row))
    except TableError as error:
        raise EvalError(str(error)) from error
    return rows


def _text(path: Path, place: str, row: dict[str, Any], column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str) or not value.strip():
        raise EvalError(f"{path}: {place}: no text under {column!r}. Each line needs {', '.join(COLUMNS)}.")
    return value.strip()
