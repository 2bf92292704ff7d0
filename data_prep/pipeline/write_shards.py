"""Sixth and seventh stage: scatter the kept rows of each slice by shard, then gather each shard from the slices."""

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import rows
from data_prep.atomic import atomic_write
from data_prep.hashed_file import hashed_write
from data_prep.ledger import Ledger
from data_prep.pipeline import decisions, fingerprints, read_rows, stage
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder, run
from data_prep.shards import write_table

SCATTER, GATHER = "scatter", "gather"
_PLACE = "place"


def scatter(workdir: BuildFolder, slices: list[Slice], names: list[str], sizes: list[int]) -> None:
    """Sort the kept rows of each slice by shard, with image keys instead of names; write the others to a ledger.

    `names` are the names of the sources, `sizes` the number of kept rows of each slice.
    """

    def task(rank: int, advance: Callable[[int], None]) -> None:
        decided = pq.read_table(workdir.path(decisions.STAGE, rank))
        table = _rows(workdir, rank, decided["row"].to_numpy(), decided["copy"].to_numpy())
        table = table.append_column(_PLACE, decided["place"])
        shard = decided["shard"].to_numpy()
        groups = np.unique(shard).tolist()
        with stage.writing(workdir.path(SCATTER, rank, "arrow"), table.schema) as writer:
            for number in groups:
                start, end = np.searchsorted(shard, [number, number + 1])
                writer.write_batch(table.slice(start, end - start).combine_chunks().to_batches()[0])
                advance(int(end - start))
        with atomic_write(workdir.path(SCATTER, rank, read_rows.LEDGER)) as path, Ledger(path) as ledger:
            for row, reason, detail in decisions.dropped(workdir, rank):
                ledger.add(names[slices[rank].source], row, reason, detail)
        with atomic_write(workdir.path(SCATTER, rank, "json")) as path:
            path.write_text(json.dumps({"groups": groups, "ledger": ledger.counts}))

    run(workdir, SCATTER, task, sizes)


def gather(workdir: BuildFolder, slices: int, shards: dict[str, int]) -> None:
    """Write each shard from its parts in the slices; `shards` maps its name to its number of rows."""
    groups = [json.loads(workdir.path(SCATTER, rank, "json").read_text())["groups"] for rank in range(slices)]
    names = list(shards)

    def task(rank: int, advance: Callable[[int], None]) -> None:
        parts = [
            stage.opened(workdir.path(SCATTER, place, "arrow")).get_batch(numbers.index(rank))
            for place, numbers in enumerate(groups)
            if rank in numbers
        ]
        table = pa.Table.from_batches(parts)
        table = table.take(pc.sort_indices(table[_PLACE])).drop_columns([_PLACE]).cast(rows.SCHEMA)
        with hashed_write(workdir.folder / GATHER / names[rank]) as file:
            write_table(table.combine_chunks(), file)
        advance(table.num_rows)

    run(workdir, GATHER, task, list(shards.values()))


def _rows(workdir: BuildFolder, rank: int, numbers: np.ndarray, copies: np.ndarray) -> pa.Table:
    """These rows of a slice with the columns of the row contract; the id of a second copy ends in #2."""
    table = stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), rows.SCHEMA.names)
    keys = stage.table(workdir.path(fingerprints.STAGE, rank, "arrow"), ["keys"])["keys"]
    table = table.set_column(table.schema.get_field_index("images"), "images", keys)
    table = table.take(numbers)
    if copies.any():
        ids = [
            name if not copy else f"{name}#{copy + 1}"
            for name, copy in zip(table["id"].to_pylist(), copies, strict=True)
        ]
        table = table.set_column(0, "id", pa.array(ids))
    return table
