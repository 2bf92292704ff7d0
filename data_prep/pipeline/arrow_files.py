"""Tables passed from one stage to the next: uncompressed Arrow files, memory-mapped, so unread columns cost nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from data_prep.atomic import atomic_write


@contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    """Yield a writer of record batches; the file appears at `path` when it is complete."""
    with (
        atomic_write(path) as partial,
        pa.OSFile(str(partial), "wb") as file,
        pa.ipc.new_file(file, schema) as writer,
    ):
        yield writer


def opened(path: Path) -> pa.ipc.RecordBatchFileReader:
    """The batches of a file, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(path)))


def table(path: Path, columns: list[str]) -> pa.Table:
    """These columns of all batches of a file, memory-mapped."""
    return opened(path).read_all().select(columns)
