"""Last stage: the image store, each image that a written row refers to once, in the order in which rows first name it.

The files of the pictures stage are its files, except those with an image that no written row refers to.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.images.store import SCHEMA
from data_prep.pipeline import between, pictures
from data_prep.pipeline.shards import GATHER
from data_prep.pipeline.stage import Work, link, putting, run
from data_prep.sources.base import Source

STAGE = "images"
FILES = "files"


def store(work: Work, tasks: int, shards: list[str]) -> dict[str, int]:
    """Make the store's files from the `tasks` files of the pictures stage; how many images each has."""
    chosen = [(rank, chosen) for rank, chosen in enumerate(_chosen(work, tasks, shards)) if chosen.any()]
    names = [f"images-{number:05d}.arrow" for number in range(max(len(chosen), 1))]
    folder = work.folder / STAGE / FILES
    folder.mkdir(parents=True, exist_ok=True)
    if not chosen:
        with putting(folder / names[0]) as path, between.writing(path, SCHEMA):
            pass
    for (rank, mine), name in zip(chosen, names, strict=False):
        if mine.all():
            link(work.path(pictures.STAGE, rank, "arrow"), folder / name)
    parts = [(rank, mine, name) for (rank, mine), name in zip(chosen, names, strict=False) if not mine.all()]

    def task(number: int, tick: Callable[[int], None]) -> None:
        rank, mine, name = parts[number]
        images = between.opened(work.path(pictures.STAGE, rank, "arrow"))
        with putting(folder / name) as path, between.writing(path, SCHEMA) as writer:
            start = 0
            for part in range(images.num_record_batches):
                batch = images.get_batch(part)
                kept = batch.filter(pa.array(mine[start : start + batch.num_rows]))
                writer.write_batch(kept)
                start += batch.num_rows
                tick(kept.num_rows)

    run(work, STAGE, task, [int(mine.sum()) for _, mine, _ in parts], "images")
    return {name: int(mine.sum()) for (_, mine), name in zip(chosen, names, strict=False)} or {names[0]: 0}


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


def _chosen(work: Work, tasks: int, shards: list[str]) -> list[np.ndarray]:
    """For each file of the pictures stage, which of its images the store takes: of one key the first."""
    columns = [between.table(work.path(pictures.STAGE, rank, "arrow"), ["key"])["key"] for rank in range(tasks)]
    keys = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    taken = pc.is_in(keys, _used(work, shards)).to_numpy()
    codes = keys.combine_chunks().dictionary_encode().indices.to_numpy()
    is_first = np.zeros(len(codes), bool)
    is_first[np.unique(codes, return_index=True)[1]] = True
    return np.split(taken & is_first, np.cumsum([len(column) for column in columns])[:-1]) if columns else []
