"""Writing the files of text sources."""

import json

import pyarrow as pa
import pyarrow.parquet as pq


def write_text(path, text, encoding="utf-8"):
    """Write a text with the folders in front of it, its line ends as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding, newline="")


def write_lines(path, rows, end="\n", encoding="utf-8"):
    """JSON Lines."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + end for row in rows), encoding)


def write_parquet(path, rows):
    """A Parquet file, two rows a group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
