"""The page's files: in a folder of this user alone, which goes when the page ends, however it ends."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX, _FILES, _LOCK = "bimedix2-chat-", "files", "lock"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield an empty folder that is removed at the end; what a page that was killed has left is removed at the start.

    A folder's lock is held as long as its page runs, and is there before its files are.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_FILES}"):
        _remove_unless_held(left.parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with FileLock(folder / _LOCK):
            files = folder / _FILES
            files.mkdir()
            yield files
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_unless_held(folder: Path) -> None:
    try:
        with FileLock(folder / _LOCK, blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, OSError):  # it runs, or is another user's
        return
