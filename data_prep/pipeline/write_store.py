"""Last stage: write the image store: each image that a written row refers to, once, in files of bounded size.

A file of the images stage whose every image is used is linked as it is; the used images of the other files are
copied into new ones.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.hashed_file import link_hashed
from data_prep.images.store import SCHEMA
from data_prep.pipeline import load_images, stage
from data_prep.pipeline.stage import BuildFolder, run
from data_prep.pipeline.write_shards import GATHER
from data_prep.sources.source import Source

STAGE = "store"
FILES = "files"
FILE_BYTES = 1 << 30

Piece = tuple[int, np.ndarray]
"""The index of a file of the images stage, and a mask of its images."""


def write(workdir: BuildFolder, tasks: int, shards: list[str]) -> dict[str, int]:
    """Write the store from the `tasks` files of the images stage; return the number of images of each of its files."""
    whole, gathered = _planned(workdir, tasks, shards)
    files = [*([piece] for piece in whole), *gathered] or [[]]
    names = [f"images-{number:05d}.arrow" for number in range(len(files))]
    counts = [sum(int(chosen.sum()) for _, chosen in pieces) for pieces in files]
    folder = workdir.folder / STAGE / FILES
    folder.mkdir(parents=True, exist_ok=True)
    for (rank, _), name in zip(whole, names, strict=False):
        link_hashed(workdir.path(load_images.STAGE, rank, "arrow"), folder / name)

    def task(rank: int, advance: Callable[[int], None]) -> None:
        number = len(whole) + rank
        with stage.writing_hashed(folder / names[number], SCHEMA) as writer:
            for part, chosen in files[number]:
                images = stage.opened(workdir.path(load_images.STAGE, part, "arrow"))
                start = 0
                for batch in map(images.get_batch, range(images.num_record_batches)):
                    kept = batch.filter(pa.array(chosen[start : start + batch.num_rows]))
                    start += batch.num_rows
                    if kept.num_rows:
                        writer.write_batch(kept)
                    advance(kept.num_rows)

    run(workdir, STAGE, task, counts[len(whole) :], "images")
    return dict(zip(names, counts, strict=True))


def image_list(workdir: BuildFolder, tasks: int, shards: list[str], sources: list[Source]) -> Iterator[str]:
    """Yield a JSON line for each stored image of a source: where it came from and how it was converted."""
    used = _used(workdir, shards)
    known = load_images.index(workdir, tasks, [name for name in load_images.INDEX.names if name != "flipped"])
    known = known.filter(pc.and_(pc.is_in(known["key"], used), pc.less(known["source"], len(sources))))
    for batch in known.to_batches(1_000):
        for entry in batch.to_pylist():
            line: dict[str, Any] = {"source": sources[entry["source"]].name}
            line |= {name: entry[name] for name in ("name", "key", "width", "height", "file_sha256", "note", "resized")}
            yield json.dumps(line, ensure_ascii=False)


def _used(workdir: BuildFolder, shards: list[str]) -> pa.Array:
    """The keys in the written rows."""
    empty = [pa.array([], pa.string())]
    columns = [pq.read_table(workdir.folder / GATHER / name, columns=["images"])["images"] for name in shards]
    return pa.chunked_array(empty + [chunk for column in columns for chunk in pc.list_flatten(column).chunks]).unique()


def _planned(workdir: BuildFolder, tasks: int, shards: list[str]) -> tuple[list[Piece], list[list[Piece]]]:
    """The files to link as they are, and the pieces of each file to write."""
    whole: list[Piece] = []
    gathered: dict[int, list[Piece]] = {}
    total = 0
    for rank, (chosen, sizes) in enumerate(_chosen(workdir, tasks, shards)):
        if len(chosen) and chosen.all() and sizes.sum() <= FILE_BYTES:
            whole.append((rank, chosen))
            continue
        before = total + np.cumsum(chosen * sizes) - chosen * sizes
        number = before // FILE_BYTES
        for file in np.unique(number[chosen]).tolist():
            gathered.setdefault(file, []).append((rank, chosen & (number == file)))
        total += int(sizes[chosen].sum())
    return whole, list(gathered.values())


def _chosen(workdir: BuildFolder, tasks: int, shards: list[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each file of the images stage, a mask of the images to store (the first of each key), and all their sizes."""
    used, seen = set(_used(workdir, shards).to_pylist()), set[str]()
    for rank in range(tasks):
        images = stage.table(workdir.path(load_images.STAGE, rank, "arrow"), ["key", "bytes"])
        keys = images["key"].to_pylist()
        chosen = np.array([key in used and key not in seen for key in keys], bool)
        seen.update(keys)
        yield chosen, pc.binary_length(images["bytes"]).to_numpy()
