"""Build a data set folder from a mixture: everything into a hidden folder beside it, moved into place at the end."""

import errno
import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from data_prep import card, ledger, manifest, rows
from data_prep.dicom_pixels import MAX_PIXELS
from data_prep.image_file import stored_image
from data_prep.image_store import ImageStoreWriter
from data_prep.mixture import Mixture
from data_prep.rows import Picture, Reject, Rejected, Sample
from data_prep.shards import ShardWriter
from data_prep.sources import Source
from data_prep.sources.json_file import JsonFileError

PICTURES = "images.jsonl"
"""Where each stored image comes from: source, name, key, size, and how it was made (frame, window, crop)."""

_OWN = {card.FILE_NAME, ledger.FILE_NAME, manifest.FILE_NAME, PICTURES, "images"}


class BuildError(RuntimeError):
    """A data set that cannot be built; nothing half-written is left behind."""


def build(mixture: Mixture, out: Path, command: str) -> dict[str, Any] | None:
    """Build the data set in `out` and give its manifest, or None when `out` has it already.

    Raises BuildError when `out` holds files of another kind, when no row could be written, when an input file is
    cut off, and when the disk is full.
    """
    inputs = _inputs(mixture)
    out.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(out.with_name(f".{out.name}.lock")):
        if manifest.is_complete(out, inputs):
            return None
        _refuse_strangers(out)
        partial = out.with_name(f".{out.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # what a killed build left
        try:
            made = _Builder(mixture, partial).run(inputs, command)
            _move(partial, out)
        except JsonFileError as error:
            raise BuildError(str(error)) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise BuildError(f"{out}: the disk is full; nothing was left there: free space and run again") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return made


class _Builder:
    """One pass over the sources."""

    def __init__(self, mixture: Mixture, folder: Path) -> None:
        self.mixture = mixture
        self.folder = folder
        self.counts = manifest.Counts()
        self.resized = 0
        self._ids: set[str] = set()
        self._keys: dict[str, str] = {}
        self._described: set[str] = set()

    def run(self, inputs: str, command: str) -> dict[str, Any]:
        """Write the shards, the store, the ledger, the card and, last, the manifest."""
        self.folder.mkdir()
        with ExitStack() as stack:
            self.shards = stack.enter_context(ShardWriter(self.folder, self.mixture.rows_per_shard))
            self.store = stack.enter_context(ImageStoreWriter(self.folder / "images"))
            self.ledger = stack.enter_context(ledger.Ledger(self.folder / ledger.FILE_NAME))
            self.pictures = stack.enter_context((self.folder / PICTURES).open("w", encoding="utf-8", newline="\n"))
            for source in self.mixture.sources:
                self._keys = {}  # a picture's name means one file in its own source only
                for item in source.read():
                    self._take(source, item)
        if not self.counts.written:
            raise BuildError(f"{self.mixture.name}: none of {self.counts.read} rows was written: {self._why()}")
        made = self._manifest(inputs, command)
        (self.folder / card.FILE_NAME).write_text(card.render(made), encoding="utf-8")
        manifest.write(self.folder, made)
        return made

    def _take(self, source: Source, item: Sample | Rejected) -> None:
        self.counts.read += 1
        try:
            if isinstance(item, Rejected):
                raise Reject(item.reason, item.detail)
            if item.id in self._ids:
                raise Reject("duplicate", "an earlier row has this id; `id_prefix:` tells two sources' rows apart")
            rows.check(item.messages, len(item.pictures), item.language)
            row = rows.row(item, source.name, self._store(source, item.pictures))
        except Reject as reject:
            self.ledger.add(source.name, item.id, reject.reason, reject.detail)
            return
        self._ids.add(item.id)
        split = self.mixture.split(item, source)
        self.shards.add(split, row)
        self.counts.add(split, row)

    def _store(self, source: Source, pictures: tuple[Picture, ...]) -> list[str]:
        """The keys of a row's pictures. All are read before any is stored, so that no image is left without a row."""
        new = {}
        for picture in pictures:
            if picture.name not in self._keys:
                loaded = picture.load()
                stored = stored_image(loaded.data, self.mixture.max_side, self.mixture.max_pixels or MAX_PIXELS)
                new[picture.name] = (loaded.note, stored)
        for name, (note, stored) in new.items():
            before = len(self.store)
            key = self._keys[name] = self.store.add(stored)
            self.resized += stored.resized and len(self.store) > before
            made: dict[str, Any] = {
                "source": source.name,
                "name": name,
                "key": key,
                "width": stored.width,
                "height": stored.height,
            }
            made |= {"note": note, "resized": stored.resized}
            line = json.dumps(made, ensure_ascii=False)
            if line not in self._described:  # two sources of one name may share a picture
                self._described.add(line)
                self.pictures.write(line + "\n")
        return [self._keys[picture.name] for picture in pictures]

    def _manifest(self, inputs: str, command: str) -> dict[str, Any]:
        about: list[dict[str, str]] = []
        for source in self.mixture.sources:
            entry = {"name": source.name, **source.about()}
            about += [entry] if entry not in about else []
        return {
            "format": manifest.FORMAT,
            "name": self.mixture.name,
            "shards": manifest.describe(self.folder, self.shards.rows, "rows", self.shards.rows),
            "images": manifest.describe(self.folder / "images", self.store.files, "images", self.store.files),
            "sources": about,
            "counts": self.counts.table(),
            "read": self.counts.read,
            "written": self.counts.written,
            "ledger": dict(sorted(self.ledger.counts.items())),
            "images_max_side": self.mixture.max_side,
            "images_resized": self.resized,
            "files": {name: manifest.sha256(self.folder / name) for name in (ledger.FILE_NAME, PICTURES)},
            "inputs": inputs,
            "command": command,
            "versions": manifest.versions(),
        }

    def _why(self) -> str:
        return ", ".join(f"{reason} {count}" for reason, count in self.ledger.counts.items()) or "the sources are empty"


def _inputs(mixture: Mixture) -> str:
    """A digest of everything that decides the content of a data set."""
    return manifest.digest(
        {
            "format": manifest.FORMAT,
            "mixture": {**asdict(mixture), "sources": [[type(s).__name__, asdict(s)] for s in mixture.sources]},
            "files": [source.inputs() for source in mixture.sources],
            "versions": manifest.versions(),
        }
    )


def _refuse_strangers(out: Path) -> None:
    """A folder is replaced only when a build made all that is in it."""
    if not out.exists():
        return
    if not out.is_dir():
        raise BuildError(f"{out}: not a folder; give another --out")
    strangers = sorted(path.name for path in out.iterdir() if path.name not in _OWN and path.suffix != ".parquet")
    if strangers:
        raise BuildError(f"{out}: holds {strangers[0]}, which no build wrote; move it away or give another --out")


def _move(partial: Path, out: Path) -> None:
    """Put the finished folder in place; at no moment does `out` hold a part of it."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)
