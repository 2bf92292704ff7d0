"""Write rows to Parquet shards: SPLIT-00000-of-0000N.parquet, a bounded number of rows in each."""

import re
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.rows import SCHEMA

ROWS_PER_SHARD = 20_000
SPLIT_NAME = re.compile(r"[a-z_]+")


class ShardWriter:
    """A context in which rows are added to splits; on a clean exit the shards of `folder` have their final names.

    `rows` then maps each shard's file name to its number of rows. At most `rows_per_shard` rows of each split are
    in memory. Raises ValueError for a split name that is not lower-case letters and underscores.
    """

    def __init__(self, folder: Path, rows_per_shard: int = ROWS_PER_SHARD) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        self._rows_per_shard = rows_per_shard
        self._pending: dict[str, list[dict[str, Any]]] = {}
        self._written: dict[str, list[int]] = {}

    def __enter__(self) -> "ShardWriter":
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: BaseException | TracebackType | None) -> None:
        if kind is None:
            self._finish()

    def add(self, split: str, row: dict[str, Any]) -> None:
        """Append a row of SCHEMA to a split."""
        if not SPLIT_NAME.fullmatch(split):
            raise ValueError(f"split {split!r}: a split's name is lower-case letters and underscores")
        pending = self._pending.setdefault(split, [])
        pending.append(row)
        if len(pending) >= self._rows_per_shard:
            self._flush(split)

    def _flush(self, split: str) -> None:
        rows = self._pending[split]
        counts = self._written.setdefault(split, [])
        write_table(pa.Table.from_pylist(rows, schema=SCHEMA), self._unnumbered(split, len(counts)))
        counts.append(len(rows))
        self._pending[split] = []

    def _finish(self) -> None:
        for split in sorted(self._pending):
            if self._pending[split]:
                self._flush(split)
            counts = self._written[split]
            for number, count in enumerate(counts):
                name = f"{split}-{number:05d}-of-{len(counts):05d}.parquet"
                self._unnumbered(split, number).rename(self.folder / name)
                self.rows[name] = count

    def _unnumbered(self, split: str, number: int) -> Path:
        return self.folder / f"{split}-{number:05d}.partial"


def write_table(table: pa.Table, path: Path) -> None:
    """Write one shard; the same table gives the same bytes."""
    pq.write_table(table, path, compression="zstd")


def split_of(shard: str) -> str:
    """The split that a shard's file name says."""
    return shard.partition("-")[0]
