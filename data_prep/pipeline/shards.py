"""Sixth and seventh stage: kept rows go from their slice to their shard, first scattered by shard, then gathered."""

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import rows
from data_prep.ledger import Ledger
from data_prep.pipeline import between, decisions, fingerprints, read
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Work, putting, run
from data_prep.shards import write_table

SCATTER, GATHER = "scatter", "gather"
_PLACE = "place"


def scatter(work: Work, slices: list[Slice], names: list[str], sizes: list[int]) -> None:
    """Sort the kept rows of each slice by shard, their images' names replaced by keys; the others into a ledger.

    `names` are the sources' names, `sizes` the number of kept rows of each slice.
    """

    def task(rank: int, tick: Callable[[int], None]) -> None:
        decided = pq.read_table(work.path(decisions.STAGE, rank))
        table = _rows(work, rank, decided["row"].to_numpy(), decided["copy"].to_numpy())
        table = table.append_column(_PLACE, decided["place"])
        shard = decided["shard"].to_numpy()
        groups = np.unique(shard).tolist()
        with (
            putting(work.path(SCATTER, rank, "arrow")) as path,
            between.writing(path, table.schema) as writer,
        ):
            for number in groups:
                start, end = np.searchsorted(shard, [number, number + 1])
                writer.write_batch(table.slice(start, end - start).combine_chunks().to_batches()[0])
                tick(int(end - start))
        with putting(work.path(SCATTER, rank, read.LEDGER)) as path, Ledger(path) as ledger:
            for row, reason, detail in decisions.dropped(work, rank):
                ledger.add(names[slices[rank].source], row, reason, detail)
        with putting(work.path(SCATTER, rank, "json")) as path:
            path.write_text(json.dumps({"groups": groups, "ledger": ledger.counts}))

    run(work, SCATTER, task, sizes)


def gather(work: Work, slices: int, shards: dict[str, int]) -> None:
    """Write each shard from the slices' parts of it; `shards` maps its name to its number of rows."""
    groups = [json.loads(work.path(SCATTER, rank, "json").read_text())["groups"] for rank in range(slices)]
    names = list(shards)

    def task(rank: int, tick: Callable[[int], None]) -> None:
        parts = [
            between.opened(work.path(SCATTER, place, "arrow")).get_batch(numbers.index(rank))
            for place, numbers in enumerate(groups)
            if rank in numbers
        ]
        table = pa.Table.from_batches(parts)
        table = table.take(pc.sort_indices(table[_PLACE])).drop_columns([_PLACE]).cast(rows.SCHEMA)
        with putting(work.folder / GATHER / names[rank]) as path:
            write_table(table.combine_chunks(), path)
        tick(table.num_rows)

    run(work, GATHER, task, list(shards.values()))


def _rows(work: Work, rank: int, numbers: np.ndarray, copies: np.ndarray) -> pa.Table:
    """These rows of a slice as the row contract has them; a second copy's id ends in #2."""
    table = between.table(work.path(read.STAGE, rank, "arrow"), rows.SCHEMA.names)
    keys = between.table(work.path(fingerprints.STAGE, rank, "arrow"), ["keys"])["keys"]
    table = table.set_column(table.schema.get_field_index("images"), "images", keys)
    table = table.take(numbers)
    if copies.any():
        ids = [
            name if not copy else f"{name}#{copy + 1}"
            for name, copy in zip(table["id"].to_pylist(), copies, strict=True)
        ]
        table = table.set_column(0, "id", pa.array(ids))
    return table
