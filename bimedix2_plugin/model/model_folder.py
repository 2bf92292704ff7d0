"""The folders that `base_model:` and `vision_tower:` name, local or on the Hub. No weight is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError

_DUPLICATES = ("consolidated*",)  # Mistral's weights a second time, in its own format
_TEXT = ("*.json", "*.jinja", "*.model", "*.txt")  # configuration, tokenizer, processor, chat template
_SAFETENSORS, _BIN = "*.safetensors", "pytorch_model*.bin"


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

    @property
    def has_weights(self) -> bool:
        """Whether there is a file of weights; in the Hub's cache there is none where only data was prepared."""
        return any(any(self.folder.glob(pattern)) for pattern in (_SAFETENSORS, _BIN))

    def identity(self, *, weights: bool = True) -> dict[str, Any]:
        """Return what identifies this model: revision, file names and sizes, configuration. No weight is read.

        A local folder has no revision; its files' modification times are used instead.

        Args:
            weights: whether the weights' files count; without them the identity is the same before and after the
                weights are downloaded.
        """
        files = [file for file in sorted(self.folder.iterdir()) if file.is_file()]
        stats = {file.name: file.stat() for file in files if weights or _is_text(file)}
        sizes = {name: stat.st_size for name, stat in stats.items()}
        if self.revision != "local":
            return {"name": self.name, "revision": self.revision, "files": sizes, "config": self.config}
        times = {name: stat.st_mtime_ns for name, stat in stats.items()}
        name = str(self.folder.resolve())
        return {"name": name, "revision": "local", "files": sizes, "times": times, "config": self.config}


def _is_text(file: Path) -> bool:
    return any(file.match(pattern) for pattern in _TEXT)


def resolve(key: str, name: str, revision: str | None = None, *, weights: bool = True) -> Source:
    """Return the folder that a recipe's key names; a Hub id is downloaded to the Hub's cache.

    Args:
        key: the recipe's key, for messages.
        name: a local folder or a Hub id.
        revision: commit or branch on the Hub.
        weights: whether to download the weights, too.

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
        source = _from_hub(key, name, revision, weights=weights)
    if not (source.folder / "config.json").is_file():
        raise RecipeError(f"{key}: {source.folder} holds no config.json. Name a folder in Hugging Face format.")
    return source


def _from_hub(key: str, name: str, revision: str | None, *, weights: bool) -> Source:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(_snapshot(snapshot_download, name, revision, weights=weights))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RecipeError(
            f"{key}: {name} is neither a local folder nor a model that can be downloaded from the Hub "
            f"({type(error).__name__}: {reason}). "
            "Check the name; for a gated model accept its licence and run `hf auth login`; start a folder with ./."
        ) from error
    return Source(name, folder, folder.name)


def _snapshot(download: Any, name: str, revision: str | None, *, weights: bool) -> str:
    """Download a model; PyTorch's .bin files only if there are no safetensors."""
    patterns = [*_TEXT, _SAFETENSORS] if weights else list(_TEXT)
    folder = download(name, revision=revision, allow_patterns=patterns, ignore_patterns=list(_DUPLICATES))
    if weights and not list(Path(folder).glob(_SAFETENSORS)):
        folder = download(name, revision=revision, allow_patterns=[*patterns, _BIN])
    return folder
