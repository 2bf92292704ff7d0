"""Third stage: read each image named by a row once: decode it, strip its metadata, hash it, keep it for the store."""

import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from data_prep.atomic import atomic_write
from data_prep.images import perceptual
from data_prep.images.dicom_pixels import MAX_PIXELS
from data_prep.images.encode import stored_image
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

_LIST = "list.parquet"
_IMAGES_PER_TASK = 1_000
"""And so the most images in one file of the store that is linked as it is."""

_BATCH, _BATCH_BYTES = 64, 1 << 20
"""Images written at once, and their bytes: the allocator reuses blocks of a megabyte, and maps larger ones anew."""


def load_images(workdir: BuildFolder, slices: list[Slice], sources: list[Source], mixture: Mixture) -> int:
    """Load every image named by the rows of the previous stage; return the number of tasks."""
    total, size = _write_list(workdir, slices), _IMAGES_PER_TASK

    def task(rank: int, advance: Callable[[int], None]) -> None:
        wanted = pq.read_table(workdir.folder / STAGE / _LIST).slice(rank * size, size).to_pylist()
        index: list[dict[str, Any]] = []
        with stage.writing(workdir.path(STAGE, rank, "arrow"), STORED) as writer:
            for batch in _batches(wanted, sources, mixture, index):
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=STORED))
                advance(len(batch))
        with atomic_write(workdir.path(STAGE, rank)) as path:
            pq.write_table(pa.Table.from_pylist(index, schema=INDEX), path)

    sizes = [min(size, total - start) for start in range(0, total, size)]
    run(workdir, STAGE, task, sizes, "images")
    return len(sizes)


def index(workdir: BuildFolder, tasks: int, columns: list[str]) -> pa.Table:
    """The index of all images, in the order in which rows first name them."""
    empty = INDEX.empty_table().select(columns)
    return pa.concat_tables(
        [empty, *(pq.read_table(workdir.path(STAGE, rank), columns=columns) for rank in range(tasks))]
    )


def _write_list(workdir: BuildFolder, slices: list[Slice]) -> int:
    """Write the distinct (source, name) pairs, in the order of the rows; return their number."""
    path = workdir.folder / STAGE / _LIST
    if not path.exists():
        names: dict[int, list[pa.Array]] = {}
        for rank, part in enumerate(slices):
            images = stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), ["images"]).column(0)
            names.setdefault(part.source, []).append(pc.list_flatten(images).unique())
        tables = []
        for source, arrays in names.items():
            distinct = pa.chunked_array(arrays, pa.string()).unique()
            numbers = pa.array([source] * len(distinct), pa.int32())
            tables.append(pa.table({"source": numbers, "name": distinct}))
        with atomic_write(path) as partial:
            pq.write_table(pa.concat_tables(tables), partial)
    return pq.ParquetFile(path).metadata.num_rows


def _batches(
    wanted: list[dict[str, Any]], sources: list[Source], mixture: Mixture, index: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    """Yield batches of images to store, each key once; the entry of every image is appended to `index`."""
    keys: set[str] = set()
    batch: list[dict[str, Any]] = []
    size = 0
    for entry in wanted:
        number = entry["source"]
        try:
            row, found = _load(sources[number], entry["name"], mixture, number >= len(mixture.sources))
        except Reject as reject:
            index.append(entry | {"reason": reject.reason, "detail": reject.detail})
            continue
        index.append(entry | found)
        if row["key"] not in keys:
            keys.add(row["key"])
            batch.append(row)
            size += len(row["bytes"])
        if len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _load(source: Source, name: str, mixture: Mixture, is_benchmark: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The image's row of the store, and its entry in the index."""
    loaded = source.load(name)
    bound = mixture.max_pixels or MAX_PIXELS
    stored = stored_image(loaded.data, mixture.max_side, bound, mixture.decodes_images)
    loaded_as = hashlib.sha256(loaded.data).hexdigest()
    key = loaded_as if stored.data == loaded.data else hashlib.sha256(stored.data).hexdigest()
    shown = {"width": stored.width, "height": stored.height, "phash": stored.phash}
    known = {
        "key": key,
        **shown,
        "flipped": _flipped(stored.data) if is_benchmark else [],
        "file_sha256": loaded.file_sha256 or loaded_as,
        "note": loaded.note,
        "resized": stored.resized,
    }
    return {"key": key, "bytes": stored.data, **shown}, known


def _flipped(data: bytes) -> list[str]:
    with Image.open(io.BytesIO(data)) as image:
        return perceptual.flipped(perceptual.grey(image, orientation_of(image)))
