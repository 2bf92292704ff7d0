"""The image store of a dataset: each distinct image once, in uncompressed Arrow IPC files, and one index by key.

The files are memory-mapped: an image is read from the page cache, without a copy of the store in any process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image, ImageOps

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("bytes", pa.large_binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.string()),
    ]
)
"""`key` is the sha256 of `bytes` in hex, `bytes` a PNG or JPEG file, `width` and `height` are in pixels, and `phash` is
16 hex digits, or null if the image was stored without being decoded."""


class ImageStoreError(ValueError):
    """A store folder or a key in it that cannot be read."""


class ImageStore:
    """The images of one dataset, by the sha256 of their stored bytes.

    Opening a store reads its key columns only; an image's bytes are read when it is asked for.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        files = sorted(self.folder.glob("*.arrow"))
        if not files:
            raise ImageStoreError(f"{self.folder}: no *.arrow file in this image store. Build the dataset again.")
        self._tables = [_memory_mapped(file) for file in files]
        self._place = {
            key: (number, row)
            for number, table in enumerate(self._tables)
            for row, key in enumerate(table.column("key").to_pylist())
        }

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, key: object) -> bool:
        return key in self._place

    def _cell(self, key: str, column: str) -> pa.Scalar:
        if key not in self._place:
            raise ImageStoreError(f"{self.folder}: no image with key {key!r}. Build the dataset again.")
        number, row = self._place[key]
        return self._tables[number].column(column)[row]

    def bytes(self, key: str) -> bytes:
        """Return the encoded image (PNG or JPEG) as it is stored."""
        return self._cell(key, "bytes").as_py()

    def size(self, key: str) -> tuple[int, int]:
        """Return (width, height) in pixels without decoding."""
        return self._cell(key, "width").as_py(), self._cell(key, "height").as_py()

    def image(self, key: str) -> Image.Image:
        """Decode one image to RGB, turned upright by its EXIF orientation.

        Raises:
            ImageStoreError: the key is not here, or its bytes are not an image.
        """
        try:
            with Image.open(io.BytesIO(self.bytes(key))) as encoded:
                return ImageOps.exif_transpose(encoded).convert("RGB")
        except OSError as error:
            raise ImageStoreError(f"{self.folder}: image {key} cannot be decoded ({error}).") from error


def _memory_mapped(file: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(file))).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise ImageStoreError(f"{file}: not a readable image store ({error}). Build the dataset again.") from error


@lru_cache(maxsize=64)
def open_store(folder: str) -> ImageStore:
    """Open a store once per process: loader workers share the memory mapping."""
    return ImageStore(folder)


def stored_images(folder: Path, files: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of SCHEMA of these files of a store, in order."""
    for name in files:
        with pa.memory_map(str(folder / name)) as source:
            reader = pa.ipc.open_file(source)
            for number in range(reader.num_record_batches):
                yield from reader.get_batch(number).to_pylist()
