"""Files that are hashed while they are written: the sha256 is kept beside the file, so that nobody reads it again."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data_prep.atomic import atomic_write, link_or_copy


class HashedFile:
    """A binary file for writing from start to end, which hashes what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`, at the end of the file."""
        self._digest.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        """The number of bytes written."""
        return self._file.tell()

    def flush(self) -> None:
        """Pass what is buffered to the operating system."""
        self._file.flush()

    def sha256(self) -> str:
        """The sha256 of what was written, in hex."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Nothing: the file is closed by who opened it."""


@contextmanager
def hashed_write(path: Path) -> Iterator[HashedFile]:
    """Like `atomic_write`, but yield the open file; `sha256_beside` then returns the sha256 of what was written."""
    with atomic_write(path) as partial, partial.open("wb") as file:
        hashed = HashedFile(file)
        yield hashed
    with atomic_write(_beside(path)) as partial:
        partial.write_text(hashed.sha256())


def sha256_beside(path: Path) -> str:
    """The sha256 of a file that `hashed_write` wrote, in hex."""
    return _beside(path).read_text()


def link_hashed(source: Path, target: Path) -> None:
    """Link or copy a file that `hashed_write` wrote, with its sha256."""
    link_or_copy(source, target)
    link_or_copy(_beside(source), _beside(target))


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
