"""Parquet shards, SPLIT-00000-of-0000N.parquet, each with a bounded number of rows: named, written and read."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.hashed_file import HashedFile

SPLIT_NAME = re.compile(r"[a-z_]+")

ROWS_PER_GROUP = 500
"""Rows that are compressed together: reading one random row decodes one group."""


def split_of(shard: str) -> str:
    """The split in the file name of a shard."""
    return shard.partition("-")[0]


def write_table(table: pa.Table, file: Path | HashedFile) -> None:
    """Write one shard. The same table gives the same bytes."""
    pq.write_table(table, file, compression="zstd", row_group_size=ROWS_PER_GROUP)


def shard_rows(folder: Path, shards: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the shard's name and the row, for each row of the shards."""
    for name in shards:
        for batch in pq.ParquetFile(folder / name).iter_batches():
            for row in batch.to_pylist():
                yield name, row


def row_with_id(folder: Path, shards: list[str], row_id: str) -> tuple[str, dict[str, Any]] | None:
    """The shard and the row with this id, or None. Reads the ids up to the row, and the one row group that holds it."""
    for name in shards:
        with pq.ParquetFile(folder / name) as file:
            for group in range(file.num_row_groups):
                place = pc.index(file.read_row_group(group, columns=["id"])["id"], row_id).as_py()
                if place >= 0:
                    return name, file.read_row_group(group).slice(place, 1).to_pylist()[0]
    return None


def first_ids(folder: Path, shard: str, count: int) -> list[str]:
    """The first ids in a shard; reads nothing but ids of its first row group."""
    with pq.ParquetFile(folder / shard) as file:
        return [row["id"] for row in next(file.iter_batches(count, columns=["id"])).to_pylist()]


def rows_at(folder: Path, shards: dict[str, int], numbers: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the rows with these numbers, counted from 0 over all shards, in ascending order.

    `shards` maps the names of the shards to their numbers of rows.
    """
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
