"""The worker processes of a stage. They end with the build, however it ends, and one that dies alone ends the build."""

import io
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

import dill

_PRELOADED = ["data_prep.build", "pandas"]
"""Imported once, by the fork server that starts the workers of every stage; pyarrow imports pandas when it is used."""

_MAIN = b"__main__"

_task: Callable[[int], Any]
"""The function that this worker process calls with the rank of each of its tasks."""


class WorkerDied(RuntimeError):
    """A worker process that ended in the middle of a task without an exception."""


def run_in_processes(function: Callable[[int], Any], ranks: list[int], workers: int) -> None:
    """Call `function` with each rank, in `workers` processes.

    Raises the first exception of a task, and WorkerDied if a process is killed or crashes; either ends all processes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    pickled = dill.dumps(function)
    others = set(multiprocessing.active_children())
    started: set[Any] = set()
    pool = ProcessPoolExecutor(workers, context, _start_worker, (pickled,))
    try:
        with nullcontext() if _MAIN in pickled else _main_module_hidden():
            tasks = [pool.submit(_run_task, rank) for rank in ranks]
        started = set(multiprocessing.active_children()) - others
        for task in as_completed(tasks):
            task.result()
    except BrokenProcessPool as error:
        if any(process.exitcode == -signal.SIGINT for process in started):  # Ctrl-C, which reaches this process later
            raise KeyboardInterrupt from error
        raise WorkerDied(_cause(started, _MAIN in pickled)) from error
    except BaseException:  # an interruption, too
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def end_if_starting() -> None:
    """End a worker process that runs the main module again, which would start another build.

    That happens if a task needs classes of the main module, and the module does not guard its call of `build`.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(1)


def _start_worker(pickled: bytes) -> None:
    global _task  # noqa: PLW0603 - the tasks of a process share what the first one has read and compiled
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches every process: only the build's own one reports it
    parent = multiprocessing.parent_process()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    unpickler = dill.Unpickler(io.BytesIO(pickled))
    unpickler._main = sys.modules["__main__"]  # else the fork server's, which dill was imported in
    _task = unpickler.load()


def _end_with(parent: Any) -> None:
    """End this process at once when the parent process is gone, even if that was killed."""
    parent.join()
    os._exit(1)


def _run_task(rank: int) -> None:
    _task(rank)


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Start processes that do not import the main module, which may be a script that calls `build` unguarded."""
    module = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = module


def _cause(started: set[Any], needs_main: bool) -> str:
    codes = {process.exitcode for process in started} - {None, 0, -signal.SIGTERM}
    died = min(codes, default=None)  # signals are negative
    if died is not None and died < 0:
        name = signal.Signals(-died).name
        short = ", as the kernel does when memory is short: try fewer --workers" if died == -signal.SIGKILL else ""
        return f"a worker process was ended by {name}{short}"
    if needs_main:
        return 'a worker process did not start: call build() under `if __name__ == "__main__":` in your script'
    return "a worker process ended" + (f" with exit code {died}" if died is not None else "")
