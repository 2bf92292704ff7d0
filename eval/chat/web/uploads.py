"""Uploaded files that are not sent yet: each goes as soon as no tab has it in its question's field."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from eval.errors import EvalError


class Uploads:
    """The folder of uploaded files. Gradio names a file by its content, so that two tabs may have the same one.

    Attributes:
        folder: where uploaded files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[object, set[Path]] = {}
        self._lock = threading.Lock()

    def path(self, text: str) -> Path:
        """Return the path of an uploaded file. Raises EvalError for any other."""
        found = Path(text).resolve()
        if not found.is_relative_to(self.folder.resolve()):
            raise EvalError(f"{text}: no uploaded file.")
        return found

    def hold(self, tab: object, paths: Iterable[Path]) -> None:
        """Note which files a tab has; those that it had before, and no tab has now, are removed."""
        with self._lock:
            before = self._held.pop(tab, set())
            if now := set(paths):
                self._held[tab] = now
            for path in before.difference(*self._held.values()):
                path.unlink(missing_ok=True)
