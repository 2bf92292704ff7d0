"""The manifest of a dataset folder: written last, so that its presence means that the dataset is complete."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data_prep import card
from data_prep.atomic import atomic_write
from data_prep.errors import DataPrepError
from data_prep.hashed_file import sha256_beside

FILE_NAME = "manifest.json"
FORMAT = 4
READABLE = (3, FORMAT)
"""Of format 3, the rows have no `generator` and the manifest no `parents`; a build replaces such a folder."""
COUNTED = ("source", "language", "task", "modality")
_PACKAGES = (
    "bimedix2",
    "datatrove",
    "ftfy",
    "lingua-language-detector",
    "numpy",
    "pillow",
    "pyarrow",
    "pydicom",
    "scipy",
)


class ManifestError(DataPrepError, ValueError):
    """A dataset folder whose manifest is missing, unreadable or wrong."""


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """The sha256 of a value as JSON. File names in it need not be valid UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def describe(folder: Path, what: str, counts: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Map each file that `hashed_write` wrote in a folder to its count of `what` ("rows", "images"), its size in bytes
    and its sha256; `counts` maps their names to their counts.
    """
    return {
        name: {what: count, "bytes": (folder / name).stat().st_size, "sha256": sha256_beside(folder / name)}
        for name, count in counts.items()
    }


def versions() -> dict[str, str]:
    """The package versions that the bytes of a dataset depend on."""
    return {name: version(name) for name in _PACKAGES}


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest. Raises ManifestError if a row that was read is neither written nor in the ledger."""
    lost = manifest["read"] + manifest["repeated"] - manifest["written"] - sum(manifest["ledger"].values())
    if lost:
        raise ManifestError(f"{folder}: {lost} of {manifest['read']} rows are neither written nor in the ledger")
    with atomic_write(folder / FILE_NAME) as partial:
        partial.write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a dataset folder. Raises ManifestError, which names the folder and the command to run."""
    path = folder / FILE_NAME
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        hint = f"make it with: python -m data_prep build MIXTURE.yml --out {folder}"
        raise ManifestError(f"{path} is missing: this folder holds no complete dataset; {hint}") from error
    except ValueError as error:
        raise ManifestError(f"{path}: not JSON ({error}); delete the folder and build it again") from error
    if manifest.get("format") not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise ManifestError(f"{path}: format {manifest.get('format')}, this version reads {known}; build it again")
    return manifest


def named(folder: Path) -> set[str]:
    """The files listed in the folder's manifest, of any format version, relative to the folder.

    Empty if the manifest cannot be read.
    """
    try:
        return _files(json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _files(made: dict[str, Any]) -> set[str]:
    images = {f"images/{name}" for name in made["images"]}
    return {FILE_NAME, card.FILE_NAME, *made["shards"], *made["files"], *images}


def is_complete(folder: Path, inputs: str) -> bool:
    """Whether the folder was made from these inputs and has every file that its manifest lists, at its size."""
    try:
        manifest = read(folder)
    except ManifestError:
        return False
    sizes = {folder / name: entry["bytes"] for name, entry in manifest["shards"].items()}
    sizes |= {folder / "images" / name: entry["bytes"] for name, entry in manifest["images"].items()}
    whole = all(path.is_file() and path.stat().st_size == size for path, size in sizes.items())
    return whole and all((folder / name).is_file() for name in _files(manifest)) and manifest["inputs"] == inputs
