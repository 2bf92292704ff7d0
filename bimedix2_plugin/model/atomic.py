"""Folders written atomically: filled beside their target under a lock, then renamed into place."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from bimedix2_plugin.errors import RecipeError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextmanager
def writing(target: Path, is_complete: Callable[[Path], bool] = Path.is_dir) -> Iterator[Path | None]:
    """Yield an empty folder to fill, or None where `target` is already complete.

    Only one process at a time is inside the block; the others wait. At the end of the block the folder replaces
    `target`; on an error it is removed and `target` stays as it was.

    Raises:
        RecipeError: the disk is full or read-only.
    """
    partial, replaced = (target.with_name(f".{target.name}.{end}") for end in ("partial", "replaced"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_of(target)):
            if is_complete(target):
                yield None
                return
            _remove(partial, replaced)  # left by a killed process
            partial.mkdir()
            try:
                yield partial
                if target.exists():
                    target.replace(replaced)
                partial.replace(target)
            finally:
                _remove(partial, replaced)
    except RecipeError:
        raise
    except Exception as error:
        code = _system_code(error)
        if code not in _NO_ROOM:
            raise
        raise RecipeError(
            f"{target}: cannot be written ({os.strerror(code)}). Free some space, or name another folder; no partial "
            "folder was left."
        ) from error


def lock_of(target: Path) -> Path:
    """Return the lock file that `writing` leaves beside a folder."""
    return target.with_name(f".{target.name}.lock")


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _system_code(error: Exception) -> int:
    """Return the system's error number; safetensors and tokenizers give it in their message only."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else getattr(error, "errno", None) or 0
