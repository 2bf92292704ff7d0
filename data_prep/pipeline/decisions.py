"""Fifth stage: the selection, written slice by slice, so that each later task reads only its own."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.mixture import Mixture
from data_prep.pipeline import select
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Work, putting

STAGE = "select"
_SUMMARY = "summary.json"


def decide(work: Work, slices: list[Slice], mixture: Mixture) -> dict[str, Any]:
    """Select the rows, unless that is done; the summary: shards with their rows, kept rows of each slice, duplicates by
    pair of sources, overlaps with benchmarks, sources that fell short.
    """
    path = work.folder / STAGE / _SUMMARY
    if path.exists():
        summary: dict[str, Any] = json.loads(path.read_text())
        return summary
    rows = select.load(work, slices)
    selection = select.select(work, rows, mixture)
    sizes = [_write(work, rank, rows, selection) for rank in range(len(slices))]
    counts = np.bincount(selection.shard, minlength=len(selection.shards)).tolist()
    summary = {
        "shards": dict(zip(selection.shards, counts, strict=True)),
        "sizes": sizes,
        "repeated": int((selection.copy > 0).sum()),
        "duplicates": selection.pairs,
        "overlaps": selection.overlaps,
        "short": selection.short,
    }
    with putting(path) as unfinished:
        unfinished.write_text(json.dumps(summary, ensure_ascii=False, indent=1))
    return summary


def dropped(work: Work, rank: int) -> Iterator[tuple[str, str, str]]:
    """Id, reason and detail of each row of a slice that is left out."""
    for row in pq.read_table(work.path(STAGE, rank, "dropped.parquet")).to_pylist():
        yield row["id"], row["reason"], row["detail"]


def _write(work: Work, rank: int, rows: select.Rows, selection: select.Selection) -> int:
    start, end = rows.starts[rank], rows.starts[rank + 1]
    mine = slice(*np.searchsorted(selection.row, [start, end]))
    order = np.lexsort((selection.place[mine], selection.shard[mine]))
    columns = {
        "row": selection.row[mine][order] - start,
        "copy": selection.copy[mine][order],
        "shard": selection.shard[mine][order],
        "place": selection.place[mine][order],
    }
    with putting(work.path(STAGE, rank)) as path:
        pq.write_table(pa.table(columns), path)
    gone = np.flatnonzero(rows.reason[start:end] != select.KEPT) + start
    left_out = {
        "id": pc.take(rows.ids, pa.array(gone)),
        "reason": pa.array(rows.reason[gone].tolist(), pa.string()),
        "detail": pa.array(
            [rows.detail.get(row, "above the mixture's number of rows") for row in gone.tolist()], pa.string()
        ),
    }
    with putting(work.path(STAGE, rank, "dropped.parquet")) as path:
        pq.write_table(pa.table(left_out), path)
    return len(order)
