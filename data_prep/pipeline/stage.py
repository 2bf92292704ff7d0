"""Run the tasks of a stage on datatrove's local executor: in parallel, skipping finished tasks, reporting progress."""

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.logging import logger

from data_prep.atomic import atomic_write
from data_prep.hashed_file import hashed_write
from data_prep.pipeline.processes import WorkerDied, run_in_processes

SECONDS_BETWEEN_REPORTS = 10
_PROGRESS = "progress"
_OBJECTS_PER_COLLECTION = 200_000


@dataclass(frozen=True)
class BuildFolder:
    """The folder of an unfinished build, and how many tasks run at once."""

    folder: Path
    workers: int

    def path(self, stage: str, rank: int, suffix: str = "parquet") -> Path:
        """The file written by a task of a stage."""
        return self.folder / stage / f"{rank:05d}.{suffix}"


class Task(PipelineStep):
    """One stage as a step of a datatrove pipeline: `function(rank, advance)` runs one task.

    The task calls `advance(n)` when n more rows are done, which is cheap enough for small n.
    """

    type = "bimedix2"

    def __init__(self, name: str, function: Callable[[int, Callable[[int], None]], None], folder: Path) -> None:
        self.name = name
        super().__init__()
        self._function = function
        self._folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        """Run the task of this rank."""
        with self.track_time(), _rare_garbage_collection():
            self._function(rank, ProgressCounter(self._folder, self.name, rank))
        return ()


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Collect garbage every 200,000 objects: rows have no cycles, and the default of 700 takes 10% of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class ProgressCounter:
    """Writes the number of rows that a task has done to a small file, at most twice a second."""

    def __init__(self, folder: Path, stage: str, rank: int) -> None:
        self._path = folder / stage / _PROGRESS / f"{rank:05d}"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = 0
        self._last = 0.0

    def __call__(self, rows: int) -> None:
        """Add to the number of rows done."""
        self._rows += rows
        now = time.monotonic()
        if now - self._last > 0.5:
            self._path.write_text(str(self._rows))
            self._last = now


class _Executor(LocalPipelineExecutor):
    """The local executor with processes that end with the build, and without its own log: the build reports
    progress and errors in one line each.
    """

    def run(self) -> None:
        """Run the unfinished tasks. Raises the first exception of a task, and WorkerDied."""
        ranks = self.get_incomplete_ranks()
        if self.workers > 1 and len(ranks) > 1:
            run_in_processes(self._run_for_rank, ranks, min(self.workers, len(ranks)))
        else:
            for rank in ranks:
                self._run_for_rank(rank)

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        logger.disable("datatrove")
        return super()._run_for_rank(rank, local_rank, node_rank)


def run(workdir: BuildFolder, name: str, function: Callable[..., None], sizes: list[int], unit: str = "rows") -> None:
    """Run the unfinished tasks of a stage; `sizes` holds the number of rows of each task.

    The first exception of a task ends the stage, and so does a worker process that dies, with WorkerDied; finished
    tasks are not run again.
    """
    run_steps(workdir, name, [Task(name, function, workdir.folder)], sizes, unit)


def run_steps(workdir: BuildFolder, name: str, steps: list[PipelineStep], sizes: list[int], unit: str = "rows") -> None:
    """Like `run`, for any steps of a datatrove pipeline."""
    if not sizes:
        return
    logger.disable("datatrove")
    executor = _Executor(
        pipeline=steps,
        tasks=len(sizes),
        workers=min(workdir.workers, len(sizes)),
        logging_dir=str(workdir.folder / name / "datatrove"),
    )
    with _reporting(workdir.folder / name, name, sizes, unit):
        try:
            executor.run()
        except WorkerDied as error:
            raise WorkerDied(f"stage {name}: {error}") from error


@contextmanager
def _reporting(folder: Path, name: str, sizes: list[int], unit: str) -> Iterator[None]:
    """Print a progress line every few seconds, from a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=_report, args=(folder, name, sizes, unit, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _report(folder: Path, name: str, sizes: list[int], unit: str, stop: threading.Event) -> None:
    start, before = time.monotonic(), _done(folder, sizes)
    while not stop.wait(SECONDS_BETWEEN_REPORTS):
        done, total = _done(folder, sizes), sum(sizes)
        rate = (done - before) / (time.monotonic() - start)
        left = f"{(total - done) / rate / 60:.0f} min left" if rate else "no estimate yet"
        print(f"{name:12} {done:,} of {total:,} {unit}, {rate:,.0f} per second, {left}", file=sys.stderr, flush=True)


def _done(folder: Path, sizes: list[int]) -> int:
    """The rows of finished tasks, plus those done so far by running ones."""
    completions, progress = folder / "datatrove/completions", folder / _PROGRESS
    total = 0
    for rank, size in enumerate(sizes):
        name = f"{rank:05d}"
        if (completions / name).exists():
            total += size
        elif (progress / name).exists():
            total += min(size, int((progress / name).read_text() or 0))
    return total


@contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    """Yield a writer of record batches; the file appears at `path` when it is complete."""
    with (
        atomic_write(path) as partial,
        pa.OSFile(str(partial), "wb") as file,
        pa.ipc.new_file(file, schema) as writer,
    ):
        yield writer


@contextmanager
def writing_hashed(path: Path, schema: pa.Schema) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    """Like `writing`, for a file whose sha256 is in the manifest: see `hashed_write`."""
    with hashed_write(path) as file, pa.PythonFile(file, "w") as sink, pa.ipc.new_file(sink, schema) as writer:
        yield writer


# Tables pass from one stage to the next as uncompressed Arrow files, memory-mapped, so unread columns cost nothing.
def opened(path: Path) -> pa.ipc.RecordBatchFileReader:
    """The batches of a file, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(path)))


def table(path: Path, columns: list[str]) -> pa.Table:
    """These columns of all batches of a file, memory-mapped."""
    return opened(path).read_all().select(columns)
