"""Values of Arrow columns as Python ones: the rows of a batch, and the image file in a cell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_prep.rows import Reject, Rejected
from data_prep.tables.table import PlacedRows, TableError

BATCH = 1000
"""The rows that are converted at once."""


def wanted_columns(path: Path, schema: pa.Schema, columns: list[str] | None) -> list[str]:
    """The columns to read, without those of image bytes; None means all. Raises TableError for a missing one."""
    missing = sorted(set(columns or ()) - set(schema.names))
    if missing:
        raise TableError(f"{path}: no column {', '.join(missing)}; it has: {', '.join(schema.names)}")
    names = schema.names if columns is None else columns
    return [name for name in names if not is_image(schema.field(name).type)]


def has_images(schema: pa.Schema) -> bool:
    """Whether a column holds image bytes."""
    return any(is_image(field.type) for field in schema)


def is_image(kind: pa.DataType) -> bool:
    """Whether values of this type are or hold bytes, as `datasets` stores an image."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return is_image(kind.value_type)
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and is_image(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def placed(path: Path, values: Iterator[dict[str, Any] | Exception], start: int, numbered: bool) -> PlacedRows:
    """Rows with their places, the first with the index `start`; `numbered` adds each row's index under "_row"."""
    for row, value in enumerate(values, start=start):
        place = f"row {row + 1}"
        if isinstance(value, Exception):
            yield place, Rejected(place, "bad_row", f"{path}: {place}: {value}")
        else:
            yield place, {**value, "_row": row} if numbered else value


def python_values(batch: pa.RecordBatch) -> list[dict[str, Any] | Exception]:
    """The rows of a batch; an exception for a row that cannot be converted to Python."""
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError) as error:  # text that is not UTF-8, a date out of range
        if batch.num_rows == 1:
            return [error]
        return [value for row in range(batch.num_rows) for value in python_values(batch.slice(row, 1))]


def embedded(path: str | Path, row: int, column: str, value: pa.Scalar) -> bytes:
    """The image file in a cell of a row (from 0). Raises Reject (missing_image) if nothing is embedded."""
    found = value.as_py()
    data = found.get("bytes") if isinstance(found, dict) else found
    if data is None:
        raise Reject("missing_image", f"{path}: row {row + 1}: nothing is embedded under {column!r}")
    return bytes(data)
