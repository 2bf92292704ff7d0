"""Fifth stage: write the selection slice by slice, so that each later task reads only its own part."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.atomic import atomic_write
from data_prep.mixture import Mixture
from data_prep.pipeline import benchmark_names, conflicts, kin, select_rows, split_rows
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder

STAGE = "select"
CONFLICTS = "conflicts.parquet"
_SUMMARY = "summary.json"


def decide(workdir: BuildFolder, slices: list[Slice], tasks: int, mixture: Mixture) -> dict[str, Any]:
    """Select the rows, unless that is done, and return the summary.

    It holds the rows of each shard, the kept rows of each slice, duplicates by pair of sources, overlaps with
    benchmarks, conflicting answers by source, the sources with fewer rows than requested, and what is wrong with the
    rows' parents. `slices` are those of the mixture's sources and then of its benchmarks, `tasks` the number of tasks
    of the images stage.
    """
    path = workdir.folder / STAGE / _SUMMARY
    if path.exists():
        summary: dict[str, Any] = json.loads(path.read_text())
        return summary
    own = [part for part in slices if part.source < len(mixture.sources)]
    rows = select_rows.load(workdir, own)
    linked = kin.load(workdir, slices, len(mixture.sources), tasks)
    rows.columns["split"], rows.names["split"] = split_rows.splits(linked, mixture)
    rows.named = benchmark_names.find(workdir, slices, linked, mixture)
    selection = select_rows.select(workdir, rows, mixture)
    sizes = [_write(workdir, rank, rows, selection) for rank in range(len(own))]
    counts = np.bincount(selection.shard, minlength=len(selection.shards)).tolist()
    summary = {
        "shards": dict(zip(selection.shards, counts, strict=True)),
        "sizes": sizes,
        "repeated": int((selection.copy > 0).sum()),
        "duplicates": selection.pairs,
        "overlaps": selection.overlaps,
        "conflicts": _conflicts(workdir, rows, selection, counts, mixture),
        "short": selection.short,
        "parents": kin.parents(linked, mixture.sources),
    }
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(summary, ensure_ascii=False, indent=1))
    return summary


def _conflicts(
    workdir: BuildFolder, rows: select_rows.Rows, selection: select_rows.Selection, sizes: list[int], mixture: Mixture
) -> dict[str, dict[str, int]]:
    """Save the rows with conflicting answers, and count them by source; `sizes` are the rows of each shard."""
    number = np.r_[0, np.cumsum(sizes)][selection.shard] + selection.place
    written = selection.row[np.argsort(number)]
    group = conflicts.groups(rows.columns["question"][written], rows.columns["answer"][written])
    conflicts.save(workdir.folder / STAGE / CONFLICTS, group, np.arange(len(written)))
    return conflicts.counts(group, rows.source[written], [source.name for source in mixture.sources])


def dropped(workdir: BuildFolder, rank: int) -> Iterator[tuple[str, str, str]]:
    """Id, reason and detail of each dropped row of a slice."""
    for row in pq.read_table(workdir.path(STAGE, rank, "dropped.parquet")).to_pylist():
        yield row["id"], row["reason"], row["detail"]


def _write(workdir: BuildFolder, rank: int, rows: select_rows.Rows, selection: select_rows.Selection) -> int:
    start, end = rows.starts[rank], rows.starts[rank + 1]
    mine = slice(*np.searchsorted(selection.row, [start, end]))
    order = np.lexsort((selection.place[mine], selection.shard[mine]))
    columns = {
        "row": selection.row[mine][order] - start,
        "copy": selection.copy[mine][order],
        "shard": selection.shard[mine][order],
        "place": selection.place[mine][order],
    }
    with atomic_write(workdir.path(STAGE, rank)) as path:
        pq.write_table(pa.table(columns), path)
    gone = np.flatnonzero(rows.reason[start:end] != select_rows.KEPT) + start
    left_out = {
        "id": pc.take(rows.ids, pa.array(gone)),
        "reason": pa.array(rows.reason[gone].tolist(), pa.string()),
        "detail": pa.array(
            [rows.detail.get(row, "above the mixture's number of rows") for row in gone.tolist()], pa.string()
        ),
    }
    with atomic_write(workdir.path(STAGE, rank, "dropped.parquet")) as path:
        pq.write_table(pa.table(left_out), path)
    return len(order)
