"""The folders that `base_model:` and `vision_tower:` name, local or on the Hub. No weight is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError

_DUPLICATES = ("consolidated*",)  # Mistral's weights a second time, in its own format
_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "pytorch_model*.bin")


@dataclass(frozen=True)
class Source:
    """A model folder on this disk.

    Attributes:
        name: as in the recipe.
        folder: of its files.
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
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RecipeError(f"{path}: not readable as JSON ({error}). Copy or download it again.") from error
        if not isinstance(content, dict):
            raise RecipeError(f"{path}: holds a {type(content).__name__}, not a mapping. Copy or download it again.")
        return content

    def identity(self) -> dict[str, Any]:
        """Return what identifies this model: revision, file names and sizes, configuration. No weight is read.

        A local folder has no revision; its files' modification times are used instead.
        """
        stats = {file.name: file.stat() for file in sorted(self.folder.iterdir()) if file.is_file()}
        files = {name: stat.st_size for name, stat in stats.items()}
        if self.revision != "local":
            return {"name": self.name, "revision": self.revision, "files": files, "config": self.config}
        times = {name: stat.st_mtime_ns for name, stat in stats.items()}
        name = str(self.folder.resolve())
        return {"name": name, "revision": "local", "files": files, "times": times, "config": self.config}


def resolve(key: str, name: str, revision: str | None = None) -> Source:
    """Return the folder that a recipe's key names; a Hub id is downloaded to the Hub's cache.

    Raises:
        RecipeError: the folder or repository does not exist, or holds no config.json.
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
            f"{key}: {name} is neither a local folder nor a model that can be downloaded from the Hub "
            f"({type(error).__name__}: {reason}). "
            "Check the name; for a gated model accept its licence and run `hf auth login`; start a folder with ./."
        ) from error
    return Source(name, folder, folder.name)


def _snapshot(download: Any, name: str, revision: str | None) -> str:
    """Download a model; PyTorch's .bin files only if there are no safetensors."""
    without_bin = [pattern for pattern in _FILES if not pattern.endswith(".bin")]
    folder = download(name, revision=revision, allow_patterns=without_bin, ignore_patterns=list(_DUPLICATES))
    if not list(Path(folder).glob("*.safetensors")):
        folder = download(name, revision=revision, allow_patterns=list(_FILES))
    return folder
