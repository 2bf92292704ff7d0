"""Tables between two stages: Arrow files without compression, memory-mapped: what nobody reads costs nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa


@contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    """A writer of record batches."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        yield writer


def opened(path: Path) -> pa.ipc.RecordBatchFileReader:
    """The batches of a file, mapped."""
    return pa.ipc.open_file(pa.memory_map(str(path)))


def table(path: Path, columns: list[str]) -> pa.Table:
    """These columns of all batches of a file, mapped."""
    return opened(path).read_all().select(columns)
