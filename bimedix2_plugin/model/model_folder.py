"""The folders that `base_model:` and `vision_tower:` name, local or on the Hub, without loading a weight."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError

_TWICE = ("consolidated*",)  # Mistral's weights once more, in its own format
_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "pytorch_model*.bin")


@dataclass(frozen=True)
class Source:
    """A model folder on this disk.

    Attributes:
        name: as the recipe gives it.
        folder: where its files are.
        revision: the Hub's commit, or "local".
    """

    name: str
    folder: Path
    revision: str

    @property
    def config(self) -> dict[str, Any]:
        """The model's config.json."""
        path = self.folder / "config.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RecipeError(f"{path}: not readable as JSON ({error}). Copy or download it again.") from error

    def identity(self) -> dict[str, Any]:
        """What tells this model from another: revision, file names and sizes, configuration. No weight is read.

        A local folder has no revision: its files' times stand for one.
        """
        stats = {file.name: file.stat() for file in sorted(self.folder.iterdir()) if file.is_file()}
        files = {name: stat.st_size for name, stat in stats.items()}
        if self.revision != "local":
            return {"name": self.name, "revision": self.revision, "files": files, "config": self.config}
        times = {name: stat.st_mtime_ns for name, stat in stats.items()}
        name = str(self.folder.resolve())
        return {"name": name, "revision": "local", "files": files, "times": times, "config": self.config}


def resolve(key: str, name: str, revision: str | None = None) -> Source:
    """Find the folder that a recipe's key names; a Hub id is downloaded to the Hub's cache.

    Raises:
        RecipeError: there is no such folder, no such repository, or it holds no config.json.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        source = Source(name, folder, "local")
    elif name.startswith((".", "/", "~")):
        raise RecipeError(
            f"{key}: {name} is not there. Make or copy the folder first (the quickstart's parts: `make quickstart`)."
        )
    else:
        source = _from_hub(key, name, revision)
    if not (source.folder / "config.json").is_file():
        raise RecipeError(f"{key}: {source.folder} holds no config.json. Name a folder in Hugging Face format.")
    return source


def _from_hub(key: str, name: str, revision: str | None) -> Source:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(_snapshot(snapshot_download, name, revision))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RecipeError(
            f"{key}: {name} is neither a folder here nor a model that the Hub gives "
            f"({type(error).__name__}: {reason}). "
            "Check the name; for a gated model accept its licence and run `hf auth login`; write ./ before a folder."
        ) from error
    return Source(name, folder, folder.name)


def _snapshot(download: Any, name: str, revision: str | None) -> str:
    """Download a model; PyTorch's own weight files only where there are no safetensors."""
    without_bin = [pattern for pattern in _FILES if not pattern.endswith(".bin")]
    folder = download(name, revision=revision, allow_patterns=without_bin, ignore_patterns=list(_TWICE))
    if not list(Path(folder).glob("*.safetensors")):
        folder = download(name, revision=revision, allow_patterns=list(_FILES))
    return folder
