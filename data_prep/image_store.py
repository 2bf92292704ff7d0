"""Write the image store: each distinct image once, in uncompressed Arrow IPC files that can be memory-mapped."""

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from data_prep.image_file import StoredImage

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("bytes", pa.large_binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.string()),
    ]
)
"""`key` is the sha256 of `bytes` in hex, `bytes` a PNG or JPEG file, `phash` 16 hex digits; the size is in pixels."""

BATCH_IMAGES = 64
FILE_BYTES = 1 << 30


class ImageStoreWriter:
    """A context in which images are added to `folder`; `files` then holds the number of images of each file."""

    def __init__(self, folder: Path, file_bytes: int = FILE_BYTES) -> None:
        self.folder = folder
        self.files: dict[str, int] = {}
        self._file_bytes = file_bytes
        self._keys: set[str] = set()
        self._batch: list[dict[str, Any]] = []
        self._written = 0
        self._file: pa.ipc.RecordBatchFileWriter | None = None

    def __enter__(self) -> "ImageStoreWriter":
        self.folder.mkdir(parents=True)
        self._open()  # a text-only set has an empty store, so that every set reads alike
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: BaseException | TracebackType | None) -> None:
        if kind is None:
            self._flush()
        if self._file is not None:
            self._file.close()

    def add(self, image: StoredImage) -> str:
        """Store the image unless its bytes are here already; the key either way."""
        key = hashlib.sha256(image.data).hexdigest()
        if key in self._keys:
            return key
        self._keys.add(key)
        self._batch.append(
            {"key": key, "bytes": image.data, "width": image.width, "height": image.height, "phash": image.phash}
        )
        self._written += len(image.data)
        if len(self._batch) >= BATCH_IMAGES or self._written >= self._file_bytes:
            self._flush()
        return key

    def __len__(self) -> int:
        return len(self._keys)

    def _open(self) -> None:
        name = f"images-{len(self.files):05d}.arrow"
        self._file = pa.ipc.new_file(str(self.folder / name), SCHEMA)
        self.files[name] = 0
        self._written = 0

    def _flush(self) -> None:
        if not self._batch:
            return
        if self._file is None:
            self._open()
        assert self._file is not None
        self._file.write_batch(pa.RecordBatch.from_pylist(self._batch, schema=SCHEMA))
        self.files[list(self.files)[-1]] += len(self._batch)
        self._batch = []
        if self._written >= self._file_bytes:
            self._file.close()
            self._file = None
