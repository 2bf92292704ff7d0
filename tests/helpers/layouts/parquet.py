"""A Parquet file of the Hub with questions on embedded images."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.helpers.layouts.jpeg import jpeg


def write(path: Path, rows: list[tuple[str, str, int]]) -> None:
    """Write (question, answer, number of the image) in the columns image, question and answer, 2 rows a group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "image": [{"bytes": jpeg(seed), "path": None} for _, _, seed in rows],
            "question": [question for question, _, _ in rows],
            "answer": [answer for _, answer, _ in rows],
        }
    )
    pq.write_table(table, path, row_group_size=2)
