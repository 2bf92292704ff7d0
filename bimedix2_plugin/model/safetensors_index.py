"""Which tensor is in which safetensors file of a model folder, from the index or the files' headers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from bimedix2_plugin.errors import RecipeError


@dataclass(frozen=True)
class Shards:
    """The safetensors files of one model.

    Attributes:
        folder: of the files.
        weight_map: tensor name to file name.
    """

    folder: Path
    weight_map: dict[str, str]

    @property
    def files(self) -> list[str]:
        """File names, each once, sorted."""
        return sorted(set(self.weight_map.values()))

    def tensor(self, name: str) -> Any:
        """Load one tensor, a torch.Tensor of the stored shape and type."""
        with safe_open(self.folder / self.weight_map[name], framework="pt") as file:
            return file.get_tensor(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """Read one tensor's shape from its file's header."""
        with safe_open(self.folder / self.weight_map[name], framework="pt") as file:
            return tuple(file.get_slice(name).get_shape())

    def rows(self, name: str, count: int) -> Any:
        """Load the first rows of one tensor, at most `count` of them."""
        with safe_open(self.folder / self.weight_map[name], framework="pt") as file:
            return file.get_slice(name)[:count]


def read_shards(key: str, folder: Path) -> Shards:
    """Read the index of a model folder, or its only file's header.

    Raises:
        RecipeError: there is no safetensors file, a shard of the index is missing, or a header cannot be read.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        weight_map = dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
    elif (folder / "model.safetensors").is_file():
        weight_map = dict.fromkeys(tensor_names(folder / "model.safetensors"), "model.safetensors")
    else:
        raise RecipeError(f"{key}: {folder} holds no model.safetensors and no model.safetensors.index.json.")
    missing = sorted(file for file in set(weight_map.values()) if not (folder / file).is_file())
    if missing:
        raise RecipeError(f"{key}: {folder} lacks {', '.join(missing)}, which its index names. Download it again.")
    return Shards(folder, weight_map)


def tensor_names(file: Path) -> list[str]:
    """Return the tensor names in a safetensors file's header."""
    try:
        with safe_open(file, framework="pt") as opened:
            return list(opened.keys())
    except (SafetensorError, OSError) as error:
        raise RecipeError(
            f"{file}: not a readable safetensors file ({error}). Copy, download or make it again."
        ) from error


def check_links(folder: Path) -> None:
    """Check that the files to which a folder's symbolic links point exist.

    Raises:
        RecipeError: names a file that is gone.
    """
    broken = [entry for entry in sorted(folder.iterdir()) if entry.is_symlink() and not entry.exists()]
    if broken:
        raise RecipeError(
            f"{folder}: {broken[0].name} points to {broken[0].readlink()}, which no longer exists. "
            f"Restore that file, or run `rm -r {folder}` and the same command again."
        )
