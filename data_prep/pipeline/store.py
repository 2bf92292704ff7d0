"""Last stage: the image store, each image that a written row refers to once, in the order of the keys."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.images.store import SCHEMA
from data_prep.pipeline import pictures
from data_prep.pipeline.shards import GATHER
from data_prep.pipeline.stage import Work, putting, run
from data_prep.sources.base import Source

STAGE = "images"
FILE_BYTES = 1 << 30
_BATCH = 64
_PLACES = "places.parquet"


def store(work: Work, tasks: int, shards: list[str], file_bytes: int = FILE_BYTES) -> dict[str, int]:
    """Write the store's files from the `tasks` files of the pictures stage; how many images each has."""
    places = _places(work, tasks, shards, file_bytes)
    counts = np.bincount(places["file"].to_numpy(), minlength=1)
    names = [f"images-{number:05d}.arrow" for number in range(len(counts))]

    def task(rank: int, tick: Callable[[int], None]) -> None:
        mine = pq.read_table(work.folder / STAGE / _PLACES, filters=[("file", "=", rank)])
        parts = _Parts(work)
        with (
            putting(work.folder / STAGE / "files" / names[rank]) as path,
            pa.OSFile(str(path), "wb") as file,
            pa.ipc.new_file(file, SCHEMA) as writer,
        ):
            for start in range(0, len(mine), _BATCH):
                writer.write_batch(_batch(parts, mine.slice(start, _BATCH)))
                tick(_BATCH)

    run(work, STAGE, task, counts.tolist(), "images")
    return dict(zip(names, counts.tolist(), strict=True))


def described(work: Work, tasks: int, shards: list[str], sources: list[Source]) -> Iterator[str]:
    """A JSON line for each picture of a source that the store holds: where it came from and how it was made."""
    used = _used(work, shards)
    known = pictures.index(work, tasks, [name for name in pictures.INDEX.names if name != "flipped"])
    known = known.filter(pc.and_(pc.is_in(known["key"], used), pc.less(known["source"], len(sources))))
    for batch in known.to_batches(1_000):
        for entry in batch.to_pylist():
            line: dict[str, Any] = {"source": sources[entry["source"]].name}
            line |= {name: entry[name] for name in ("name", "key", "width", "height", "file_sha256", "note", "resized")}
            yield json.dumps(line, ensure_ascii=False)


def _used(work: Work, shards: list[str]) -> pa.Array:
    """The keys that written rows refer to."""
    empty = [pa.array([], pa.string())]
    columns = [pq.read_table(work.folder / GATHER / name, columns=["images"])["images"] for name in shards]
    return pa.chunked_array(empty + [chunk for column in columns for chunk in pc.list_flatten(column).chunks]).unique()


def _places(work: Work, tasks: int, shards: list[str], file_bytes: int) -> pa.Table:
    """Where each image is found (task, batch, row) and into which file it goes, in the order of the keys."""
    path = work.folder / STAGE / _PLACES
    if not path.exists():
        found: dict[str, list[Any]] = {name: [] for name in ("key", "task", "batch", "row", "bytes")}
        parts = _Parts(work)
        for rank in range(tasks):
            reader = parts[rank]
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                found["key"] += batch["key"].to_pylist()
                found["bytes"] += pc.binary_length(batch["bytes"]).to_pylist()
                found["row"] += range(batch.num_rows)
                found["task"] += [rank] * batch.num_rows
                found["batch"] += [number] * batch.num_rows
        table = pa.table(found, pa.schema([(name, pa.string() if name == "key" else pa.int64()) for name in found]))
        table = table.filter(pc.is_in(table["key"], _used(work, shards)))
        order = np.lexsort((table["task"].to_numpy(), np.array(table["key"].to_pylist(), dtype="U64")))
        table = table.take(order)
        keys = table["key"].to_numpy()
        table = table.filter(np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else np.array([], bool))
        end = np.cumsum(table["bytes"].to_numpy())
        table = table.append_column("file", pa.array((end - table["bytes"].to_numpy()) // file_bytes, pa.int64()))
        with putting(path) as unfinished:
            pq.write_table(table, unfinished)
    return pq.read_table(path)


def _batch(parts: "_Parts", places: pa.Table) -> pa.RecordBatch:
    images = []
    for place in places.to_pylist():
        batch = parts[place["task"]].get_batch(place["batch"])
        images.append({name: batch[name][place["row"]].as_py() for name in SCHEMA.names})
    return pa.RecordBatch.from_pylist(images, schema=SCHEMA)


class _Parts:
    """The images that the tasks of the pictures stage left, memory-mapped, each file opened once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._open: dict[int, pa.ipc.RecordBatchFileReader] = {}

    def __getitem__(self, rank: int) -> pa.ipc.RecordBatchFileReader:
        if rank not in self._open:
            path = self._work.path(pictures.STAGE, rank, "arrow")
            self._open[rank] = pa.ipc.open_file(pa.memory_map(str(path)))
        return self._open[rank]
