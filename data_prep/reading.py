"""Read a data set folder back: rows and images as they are on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def shard_rows(folder: Path, shards: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The shard's name and the row, for each row of the shards."""
    for name in shards:
        for batch in pq.ParquetFile(folder / name).iter_batches():
            for row in batch.to_pylist():
                yield name, row


def rows_at(folder: Path, shards: dict[str, int], numbers: list[int]) -> Iterator[dict[str, Any]]:
    """The rows with these numbers, counted from 0 over all shards, in rising order; `shards` maps names to rows."""
    wanted = iter(sorted(numbers))
    number = next(wanted, None)
    start = 0
    for name, count in shards.items():
        if number is None:
            return
        if number < start + count:
            file = pq.ParquetFile(folder / name)
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                inside = []
                while number is not None and number < end:
                    inside.append(number - start)
                    number = next(wanted, None)
                if inside:
                    yield from file.read_row_group(group).take(inside).to_pylist()
                start = end
        else:
            start += count


def store_images(folder: Path, files: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of the image store: key, bytes, width, height, phash."""
    for name in files:
        with pa.memory_map(str(folder / "images" / name)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield from reader.get_batch(number).to_pylist()
