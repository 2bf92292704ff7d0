"""Rows of a Parquet file, and the images embedded in it, as in datasets on the Hub."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, override

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.rows import Reject
from data_prep.tables import arrow_values
from data_prep.tables.table import Mark, PlacedRows, Table, TableError, head


class ParquetTable(Table):
    """One Parquet file; `columns` are the columns to read, None for all. A missing one is a TableError.

    Columns of image bytes are never read here: in a file that has one, each row has its index, from 0, under "_row",
    for `image_bytes`. The offset of a mark is its row.
    """

    def __init__(self, path: str | Path, columns: list[str] | None = None) -> None:
        self.path = Path(path)
        self.columns = columns

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        with _opened(self.path) as file:
            total = file.metadata.num_rows
            arrow_values.wanted_columns(self.path, file.schema_arrow, self.columns)
        yield from (Mark(row, row) for row in range(0, total, every))
        yield Mark(total, total)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        with _opened(self.path) as file:
            columns = arrow_values.wanted_columns(self.path, file.schema_arrow, self.columns)
            values = islice(_values(file, start.row, columns), count)
            yield from arrow_values.placed(self.path, values, start.row, arrow_values.has_images(file.schema_arrow))


def image_bytes(path: str | Path, row: int, column: str = "image") -> bytes:
    """The image file embedded in a row (from 0). Raises Reject (missing_image) if there is none.

    Reading rows in order is fast: the last row group is cached.
    """
    stat = Path(path).stat()
    version = (str(path), stat.st_size, stat.st_mtime_ns)
    starts = _starts(*version)
    if not 0 <= row < starts[-1]:
        raise Reject("missing_image", f"{path}: there is no row {row + 1} among {starts[-1]}")
    group = bisect_right(starts, row) - 1
    return arrow_values.embedded(path, row, column, _images(group, column, *version)[row - starts[group]])


@lru_cache(maxsize=64)
def _starts(path: str, _size: int, _time: int) -> list[int]:
    """The number of rows before each row group, and the total number of rows."""
    with _opened(Path(path)) as file:
        return _row_starts(file)


@lru_cache(maxsize=1)
def _images(group: int, column: str, path: str, _size: int, _time: int) -> pa.ChunkedArray:
    with _opened(Path(path)) as file:
        if column not in file.schema_arrow.names:
            raise TableError(f"{path}: no column {column}; it has: {', '.join(file.schema_arrow.names)}")
        return file.read_row_group(group, columns=[column], use_threads=False).column(0)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open the file; an error while it is open becomes a TableError."""
    head(path)
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path}: not a complete Parquet file ({error}); download it again") from error


def _row_starts(file: pq.ParquetFile) -> list[int]:
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    return list(accumulate(sizes, initial=0))


def _values(file: pq.ParquetFile, start: int, columns: list[str]) -> Iterator[dict[str, Any] | Exception]:
    """Yield the rows from index `start` on; an exception for a row that cannot be converted to Python."""
    starts = _row_starts(file)
    group = bisect_right(starts, start) - 1
    skip = start - starts[group]
    groups = list(range(group, file.num_row_groups))
    for batch in file.iter_batches(arrow_values.BATCH, groups, columns, use_threads=False):
        yield from arrow_values.python_values(batch.slice(skip))
        skip = max(0, skip - batch.num_rows)
