"""Rows of a small CSV file as a spreadsheet exports it: a byte order mark, unnamed columns, text over many lines."""

from __future__ import annotations

import csv
from pathlib import Path

from data_prep.rows import Rejected
from eval.errors import EvalError

MAX_FIELD = 1 << 20


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows by the names of the columns; columns without a name are left out, blanks around a text go.

    Raises:
        EvalError: the file cannot be read, is not UTF-8, or has no row, or a column's name twice.
    """
    csv.field_size_limit(MAX_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names, *rows = [[field.strip() for field in row] for row in csv.reader(file, strict=True) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise EvalError(f"{path}: not a CSV file in UTF-8 with a row of names ({error}). Download it again.") from error
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise EvalError(f"{path}: the column {twice[0]!r} comes twice. Download it again.")
    return [{name: value for name, value in zip(names, row, strict=False) if name} for row in rows]


def need_columns(path: Path, rows: list[dict[str, str]], *columns: str) -> None:
    """Check that a file has rows with these columns.

    Raises:
        EvalError: it has none, or lacks a column.
    """
    found = list(rows[0]) if rows else []
    missing = [column for column in columns if column not in found]
    if missing:
        wanted, there = ", ".join(missing), ", ".join(found) or "no rows"
        raise EvalError(f"{path}: no column {wanted}; it has {there}. Download it again.")


def refused(place: str, why: str) -> Rejected:
    """A row that cannot be asked."""
    return Rejected(place, "bad_row", why)
