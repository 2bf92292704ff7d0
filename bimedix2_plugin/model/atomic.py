"""Folders that are whole or not there: written beside their place, moved into it at the end."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from bimedix2_plugin.errors import RecipeError


@contextmanager
def writing(target: Path) -> Iterator[Path | None]:
    """Give the one process that finds `target` missing a folder to fill; everyone else waits and gets None.

    Leaving the block moves the folder into place; leaving it by an error removes it.

    Raises:
        RecipeError: the disk is full or the place cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if target.is_dir():
                yield None
                return
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
            partial.mkdir()
            try:
                yield partial
                partial.replace(target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except RecipeError:
        raise
    except Exception as error:
        code = _system_code(error)
        if code not in _NO_ROOM:
            raise
        raise RecipeError(
            f"{target}: cannot be written ({os.strerror(code)}). Free some space, or point the recipe elsewhere; "
            "nothing half-written was left."
        ) from error


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def _system_code(error: Exception) -> int:
    """Return the system's error number; safetensors and tokenizers tell it in their text alone."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else getattr(error, "errno", None) or 0
