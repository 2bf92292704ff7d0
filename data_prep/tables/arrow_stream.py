"""Rows of an Arrow stream file, and the images embedded in it, as `datasets` writes with `save_to_disk`.

The format is Arrow's IPC streaming format: a schema, record batches, and an end marker. It has no index, so a file is
memory-mapped and its batches are found by walking over their headers.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, override

import pyarrow as pa

from data_prep.rows import Reject
from data_prep.tables import arrow_values
from data_prep.tables.table import Mark, PlacedRows, Table, TableError, head

_END = b"\xff\xff\xff\xff\0\0\0\0"


class ArrowStreamTable(Table):
    """One Arrow stream file; `columns` are the columns to read, None for all. A missing one is a TableError.

    Columns of image bytes are never read here: in a file that has one, each row has its index, from 0, under "_row",
    for `streamed_image`. The offset of a mark is its row.
    """

    def __init__(self, path: str | Path, columns: list[str] | None = None) -> None:
        self.path = Path(path)
        self.columns = columns

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        table = _opened(self.path)
        arrow_values.wanted_columns(self.path, table.schema, self.columns)
        yield from (Mark(row, row) for row in range(0, table.num_rows, every))
        yield Mark(table.num_rows, table.num_rows)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        table = _opened(self.path)
        columns = arrow_values.wanted_columns(self.path, table.schema, self.columns)
        values = islice(_values(table.select(columns).slice(start.row, count)), count)
        yield from arrow_values.placed(self.path, values, start.row, arrow_values.has_images(table.schema))


def streamed_image(path: str | Path, row: int, column: str = "image") -> bytes:
    """The image file embedded in a row (from 0). Raises Reject (missing_image) if there is none."""
    table = _opened(Path(path))
    if column not in table.schema.names:
        raise TableError(f"{path}: no column {column}; it has: {', '.join(table.schema.names)}")
    if not 0 <= row < table.num_rows:
        raise Reject("missing_image", f"{path}: there is no row {row + 1} among {table.num_rows}")
    return arrow_values.embedded(path, row, column, table.column(column)[row])


def _opened(path: Path) -> pa.Table:
    """The rows, memory-mapped. Raises TableError for a file that is truncated or has another format."""
    head(path)
    stat = path.stat()
    return _mapped(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _mapped(path: str, size: int, _time: int) -> pa.Table:
    with Path(path).open("rb") as file:
        file.seek(max(0, size - len(_END)))
        is_whole = file.read() == _END
    try:
        if not is_whole:  # without its end marker, a file that lacks its last batches reads like a shorter one
            raise pa.ArrowInvalid("it has no end")
        with pa.memory_map(path) as mapped, pa.ipc.open_stream(mapped) as stream:
            table = stream.read_all()
        table.validate()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path}: not a complete Arrow stream file ({error}); copy or save it again") from error
    return table


def _values(table: pa.Table) -> Iterator[dict[str, Any] | Exception]:
    if not table.num_columns:
        yield from ({} for _ in range(table.num_rows))
        return
    for batch in table.to_batches(arrow_values.BATCH):
        yield from arrow_values.python_values(batch)
