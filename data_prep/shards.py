"""Parquet shards: SPLIT-00000-of-0000N.parquet, a bounded number of rows in each."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SPLIT_NAME = re.compile(r"[a-z_]+")


ROWS_PER_GROUP = 500
"""Rows that are compressed together: a random row costs the decoding of one group."""


def write_table(table: pa.Table, path: Path) -> None:
    """Write one shard; the same table gives the same bytes."""
    pq.write_table(table, path, compression="zstd", row_group_size=ROWS_PER_GROUP)


def split_of(shard: str) -> str:
    """The split that a shard's file name says."""
    return shard.partition("-")[0]
