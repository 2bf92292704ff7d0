"""Third stage: read each image once: decode it, strip its metadata, hash it, keep it for the store.

Sources that read the same folder name the same images: such an image is loaded for the first of them alone.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from data_prep.atomic import atomic_write
from data_prep.images import perceptual
from data_prep.images.encode import MAX_PIXELS, stored_image
from data_prep.images.metadata import orientation_of
from data_prep.images.store import SCHEMA as STORED
from data_prep.mixture import Mixture
from data_prep.pipeline import read_rows, stage
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder, run
from data_prep.rows import Reject
from data_prep.sources.source import Source

STAGE = "images"
INDEX = pa.schema(
    [
        ("source", pa.int32()),
        ("name", pa.string()),
        ("key", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.string()),
        ("flipped", pa.list_(pa.string())),
        ("file_sha256", pa.string()),
        ("note", pa.string()),
        ("resized", pa.bool_()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
"""The index entry of an image. If it cannot be used, `key` is null and `reason` says why. `flipped` holds the
perceptual hashes of a benchmark's image flipped left to right, upside down, and both."""

_ENTRIES = pa.schema([field for field in INDEX if field.name not in ("source", "name")])
_NAMED, _DISTINCT = "named.parquet", "distinct.parquet"
"""The names in the rows: source, name, and the number of the image. The images: a source and a name to load each by,
and whether a benchmark names it."""

_IMAGES_PER_TASK = 1_000
"""And so the most images in one file of the store that is linked as it is."""

_BATCH, _BATCH_BYTES = 64, 1 << 20
"""Images written at once, and their bytes: the allocator reuses blocks of a megabyte, and maps larger ones anew."""


def load_images(workdir: BuildFolder, slices: list[Slice], sources: list[Source], mixture: Mixture) -> int:
    """Load every image named by the rows of the previous stage; return the number of tasks."""
    total, size = _write_lists(workdir, slices, sources, len(mixture.sources)), _IMAGES_PER_TASK

    def task(rank: int, advance: Callable[[int], None]) -> None:
        wanted = pq.read_table(workdir.folder / STAGE / _DISTINCT).slice(rank * size, size).to_pylist()
        index: list[dict[str, Any]] = []
        with stage.writing_hashed(workdir.path(STAGE, rank, "arrow"), STORED) as writer:
            for batch in _batches(wanted, sources, mixture, index):
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=STORED))
                advance(len(batch))
        with atomic_write(workdir.path(STAGE, rank)) as path:
            pq.write_table(pa.Table.from_pylist(index, schema=_ENTRIES), path)

    sizes = [min(size, total - start) for start in range(0, total, size)]
    run(workdir, STAGE, task, sizes, "images")
    return len(sizes)


def index(
    workdir: BuildFolder,
    tasks: int,
    columns: list[str],
    source: int | None = None,
    names: pa.ChunkedArray | None = None,
) -> pa.Table:
    """These columns of INDEX for the images that rows name, in the order of the sources and their rows.

    `source` and `names` restrict it to the images of one source, and to those with these names.
    """
    named = pq.read_table(workdir.folder / STAGE / _NAMED)
    if source is not None:
        named = named.filter(pc.equal(named["source"], source))
    if names is not None:
        named = named.filter(pc.is_in(named["name"], names))
    stored = [name for name in columns if name in _ENTRIES.names]
    files = [pq.read_table(workdir.path(STAGE, rank), columns=stored) for rank in range(tasks)]
    table = pa.concat_tables([_ENTRIES.empty_table().select(stored), *files]).take(named["image"])
    for name in ("source", "name"):
        table = table.append_column(name, named[name])
    return table.select(columns)


def _write_lists(workdir: BuildFolder, slices: list[Slice], sources: list[Source], training: int) -> int:
    """Write the names in the rows and the distinct images, in the order of the rows; return the number of images.

    The sources after the first `training` ones are benchmarks.
    """
    folder = workdir.folder / STAGE
    if not (folder / _NAMED).exists():
        named, distinct = _lists(workdir, slices, sources)
        in_benchmark = np.zeros(distinct.num_rows, bool)
        in_benchmark[named.filter(pc.greater_equal(named["source"], training))["image"].to_numpy()] = True
        with atomic_write(folder / _DISTINCT) as path:
            pq.write_table(distinct.append_column("in_benchmark", pa.array(in_benchmark)), path)
        with atomic_write(folder / _NAMED) as path:
            pq.write_table(named, path)
    return pq.ParquetFile(folder / _DISTINCT).metadata.num_rows


def _lists(workdir: BuildFolder, slices: list[Slice], sources: list[Source]) -> tuple[pa.Table, pa.Table]:
    """The (source, name, image) of each name, and the (source, name) to load each distinct image by."""
    found: dict[int, list[pa.Array]] = {}
    for rank, part in enumerate(slices):
        images = stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), ["images"]).column(0)
        found.setdefault(part.source, []).append(pc.list_flatten(images).unique())
    nothing = pa.array([], pa.string()), np.empty(0, np.int32)
    at_place: dict[str | int, tuple[pa.Array, np.ndarray]] = {}
    named, distinct, total = [], [], 0
    for source, arrays in found.items():
        names = pa.chunked_array(arrays, pa.string()).unique()
        place = sources[source].image_place() or source
        known, numbers = at_place.get(place, nothing)
        new = names.filter(pc.invert(pc.is_in(names, known)))
        known = pa.concat_arrays([known, new])
        numbers = np.append(numbers, np.arange(total, total + len(new), dtype=np.int32))
        at_place[place] = known, numbers
        total += len(new)
        image = numbers[pc.index_in(names, known).to_numpy()]
        named.append(pa.table({"source": _repeated(source, names), "name": names, "image": image}))
        distinct.append(pa.table({"source": _repeated(source, new), "name": new}))
    return pa.concat_tables(named), pa.concat_tables(distinct)


def _repeated(source: int, names: pa.Array) -> pa.Array:
    return pa.array([source] * len(names), pa.int32())


def _batches(
    wanted: list[dict[str, Any]], sources: list[Source], mixture: Mixture, index: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    """Yield batches of images to store, each key once; the entry of every image is appended to `index`."""
    keys: set[str] = set()
    known: dict[tuple[str, bool], dict[str, Any]] = {}  # a Hub dataset repeats an image in each row that asks about it
    batch: list[dict[str, Any]] = []
    size = 0
    for entry in wanted:
        try:
            loaded = sources[entry["source"]].load(entry["name"])
            given = hashlib.sha256(loaded.data).hexdigest(), bool(entry["in_benchmark"])
            data = b"" if given in known else _decode(loaded.data, *given, mixture, known)
        except Reject as reject:
            index.append({"reason": reject.reason, "detail": reject.detail})
            continue
        found = known[given]
        index.append(found | {"file_sha256": loaded.file_sha256 or given[0], "note": loaded.note})
        if found["key"] not in keys:
            keys.add(found["key"])
            batch.append({"bytes": data, **{name: found[name] for name in ("key", "width", "height", "phash")}})
            size += len(data)
        if len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _decode(
    data: bytes, digest: str, in_benchmark: bool, mixture: Mixture, known: dict[tuple[str, bool], dict[str, Any]]
) -> bytes:
    """The bytes to store for an image; what is known of it is added to `known`."""
    stored = stored_image(data, mixture.max_side, mixture.max_pixels or MAX_PIXELS, mixture.decodes_images)
    known[digest, in_benchmark] = {
        "key": digest if stored.data == data else hashlib.sha256(stored.data).hexdigest(),
        "width": stored.width,
        "height": stored.height,
        "phash": stored.phash,
        "flipped": _flipped(stored.data) if in_benchmark else [],
        "resized": stored.resized,
    }
    return stored.data


def _flipped(data: bytes) -> list[str]:
    with Image.open(io.BytesIO(data)) as image:
        return perceptual.flipped(perceptual.grey(image, orientation_of(image)))
