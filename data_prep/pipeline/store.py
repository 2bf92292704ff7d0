"""Last stage: the image store, each image that a written row refers to once, in files of bounded size.

A file of the images stage of which rows refer to every image becomes a file of the store as it is; what is used of
the others is gathered in new files.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.images.store import SCHEMA
from data_prep.pipeline import between, load_images
from data_prep.pipeline.shards import GATHER
from data_prep.pipeline.stage import Work, link, putting, run
from data_prep.sources.base import Source

STAGE = "store"
FILES = "files"
FILE_BYTES = 1 << 30

Piece = tuple[int, np.ndarray]
"""The number of a file of the images stage, and which of its images are meant."""


def store(work: Work, tasks: int, shards: list[str]) -> dict[str, int]:
    """Make the store's files from the `tasks` files of the images stage; how many images each has."""
    whole, gathered = _planned(work, tasks, shards)
    files = [*([piece] for piece in whole), *gathered] or [[]]
    names = [f"images-{number:05d}.arrow" for number in range(len(files))]
    counts = [sum(int(chosen.sum()) for _, chosen in pieces) for pieces in files]
    folder = work.folder / STAGE / FILES
    folder.mkdir(parents=True, exist_ok=True)
    for (rank, _), name in zip(whole, names, strict=False):
        link(work.path(load_images.STAGE, rank, "arrow"), folder / name)

    def task(rank: int, tick: Callable[[int], None]) -> None:
        number = len(whole) + rank
        with putting(folder / names[number]) as path, between.writing(path, SCHEMA) as writer:
            for part, chosen in files[number]:
                images = between.opened(work.path(load_images.STAGE, part, "arrow"))
                start = 0
                for batch in map(images.get_batch, range(images.num_record_batches)):
                    kept = batch.filter(pa.array(chosen[start : start + batch.num_rows]))
                    start += batch.num_rows
                    if kept.num_rows:
                        writer.write_batch(kept)
                    tick(kept.num_rows)

    run(work, STAGE, task, counts[len(whole) :], "images")
    return dict(zip(names, counts, strict=True))


def described(work: Work, tasks: int, shards: list[str], sources: list[Source]) -> Iterator[str]:
    """A JSON line for each image of a source that the store holds: where it came from and how it was made."""
    used = _used(work, shards)
    known = load_images.index(work, tasks, [name for name in load_images.INDEX.names if name != "flipped"])
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


def _planned(work: Work, tasks: int, shards: list[str]) -> tuple[list[Piece], list[list[Piece]]]:
    """The files that the store takes as they are, and the pieces of each file that is written anew."""
    whole: list[Piece] = []
    gathered: dict[int, list[Piece]] = {}
    total = 0
    for rank, (chosen, sizes) in enumerate(_chosen(work, tasks, shards)):
        if len(chosen) and chosen.all() and sizes.sum() <= FILE_BYTES:
            whole.append((rank, chosen))
            continue
        before = total + np.cumsum(chosen * sizes) - chosen * sizes
        number = before // FILE_BYTES
        for file in np.unique(number[chosen]).tolist():
            gathered.setdefault(file, []).append((rank, chosen & (number == file)))
        total += int(sizes[chosen].sum())
    return whole, list(gathered.values())


def _chosen(work: Work, tasks: int, shards: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each file of the images stage which images the store takes, of one key the first, and all images' bytes."""
    used, seen = set(_used(work, shards).to_pylist()), set[str]()
    for rank in range(tasks):
        images = between.table(work.path(load_images.STAGE, rank, "arrow"), ["key", "bytes"])
        keys = images["key"].to_pylist()
        chosen = np.array([key in used and key not in seen for key in keys], bool)
        seen.update(keys)
        yield chosen, pc.binary_length(images["bytes"]).to_numpy()
