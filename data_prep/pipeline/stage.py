"""Run a stage's tasks on datatrove's local executor: many workers, done tasks skipped, progress on the way."""

import gc
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import multiprocess
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.logging import logger

SECONDS_BETWEEN_LINES = 10
_PROGRESS = "progress"
_OBJECTS = 200_000
_PRELOADED = ["data_prep.build"]
"""Imported once, by the server that every stage's workers are forked from."""


@dataclass(frozen=True)
class Work:
    """The folder of an unfinished build, and how many tasks run at once."""

    folder: Path
    workers: int

    def path(self, stage: str, rank: int, suffix: str = "parquet") -> Path:
        """The file that a task of a stage leaves."""
        return self.folder / stage / f"{rank:05d}.{suffix}"


class Task(PipelineStep):
    """One stage as a step of a datatrove pipeline: `function(rank, tick)` does one task.

    `tick(n)` says that n more rows are done; it costs next to nothing.
    """

    type = "bimedix2"

    def __init__(self, name: str, function: Callable[[int, Callable[[int], None]], None], folder: Path) -> None:
        self.name = name
        super().__init__()
        self._function = function
        self._folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        """Do the task of this rank."""
        with self.track_time(), _few_collections():
            self._function(rank, Ticker(self._folder, self.name, rank))
        return ()


@contextmanager
def _few_collections() -> Iterator[None]:
    """Rows are many small objects without cycles: looking for cycles every 700 objects takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Ticker:
    """Counts a task's rows into a small file, at most twice a second."""

    def __init__(self, folder: Path, stage: str, rank: int) -> None:
        self._path = folder / stage / _PROGRESS / f"{rank:05d}"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = 0
        self._last = 0.0

    def __call__(self, rows: int) -> None:
        """So many more rows are done."""
        self._rows += rows
        now = time.monotonic()
        if now - self._last > 0.5:
            self._path.write_text(str(self._rows))
            self._last = now


class _Executor(LocalPipelineExecutor):
    """The local executor, quiet: the build tells its progress and its errors in one line each."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        logger.disable("datatrove")
        return super()._run_for_rank(rank, local_rank, node_rank)


def run(work: Work, name: str, function: Callable[..., None], sizes: list[int], unit: str = "rows") -> None:
    """Run the tasks of a stage that are not done yet; `sizes` has one entry a task: how many rows it has.

    The first exception of a task ends the stage; tasks that were done stay done.
    """
    run_steps(work, name, [Task(name, function, work.folder)], sizes, unit)


def run_steps(work: Work, name: str, steps: list[PipelineStep], sizes: list[int], unit: str = "rows") -> None:
    """The same for the steps of a datatrove pipeline."""
    if not sizes:
        return
    logger.disable("datatrove")
    executor = _Executor(
        pipeline=steps,
        tasks=len(sizes),
        workers=min(work.workers, len(sizes)),
        logging_dir=str(work.folder / name / "datatrove"),
    )
    multiprocess.set_forkserver_preload(_PRELOADED)
    with _told(work.folder / name, name, sizes, unit):
        executor.run()


@contextmanager
def _told(folder: Path, name: str, sizes: list[int], unit: str) -> Iterator[None]:
    """Print a line about the stage every few seconds, from a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=_tell, args=(folder, name, sizes, unit, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _tell(folder: Path, name: str, sizes: list[int], unit: str, stop: threading.Event) -> None:
    start, before = time.monotonic(), _done(folder, sizes)
    while not stop.wait(SECONDS_BETWEEN_LINES):
        done, total = _done(folder, sizes), sum(sizes)
        rate = (done - before) / (time.monotonic() - start)
        left = f"{(total - done) / rate / 60:.0f} min left" if rate else "no estimate yet"
        print(f"{name:12} {done:,} of {total:,} {unit}, {rate:,.0f} a second, {left}", file=sys.stderr, flush=True)


def _done(folder: Path, sizes: list[int]) -> int:
    """Rows of the tasks that are done, and what the running ones have counted."""
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
def putting(path: Path) -> Iterator[Path]:
    """A place to write a file that appears under `path` only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    yield unfinished
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def link(source: Path, target: Path) -> None:
    """A second name for a finished file, so that a kill at this point loses nothing; a copy where links are unknown."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
