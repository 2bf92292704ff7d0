"""Write a merged checkpoint's folder so that an interrupted merge cannot be mistaken for a complete one.

The shards are written beside the folder. When everything else is in it, they are moved there, then their index, and
`composition.json` last: its presence means complete. A killed merge starts again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge.tensors import Weight, in_groups
from bimedix2_plugin.model.atomic import lock_of, writing
from bimedix2_plugin.model.compose import COMPOSITION
from data_prep.atomic import atomic_write

if TYPE_CHECKING:
    import torch

SHARD_BYTES = 5_000_000_000
_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"


def begin(folder: Path, size: int) -> None:
    """Create a checkpoint's folder, and remove an earlier merge's weights and `composition.json` from it.

    Args:
        folder: the checkpoint's.
        size: bytes that will be written.

    Raises:
        RecipeError: the disk has less free space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = _old(folder)
    freed = sum(file.stat().st_size for file in old if file.is_file())
    room_for(folder, size, freed=freed, option="--output-dir")
    clear(folder)
    shutil.rmtree(_beside(folder), ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove the weights that are in a checkpoint's folder, and its `composition.json`."""
    for file in _old(folder):
        file.unlink(missing_ok=True)


def room_for(folder: Path, size: int, *, freed: int = 0, option: str = "--out") -> None:
    """Check that a checkpoint fits on a disk.

    Args:
        folder: on the disk.
        size: of the checkpoint, bytes.
        freed: bytes of files that will be removed before.
        option: of the command, that names the folder.

    Raises:
        RecipeError: the disk has less free space.
    """
    free = shutil.disk_usage(folder).free + freed
    if free < size:
        raise RecipeError(
            f"{folder}: the checkpoint takes {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free. Free some space, or "
            f"name another folder with {option}."
        )


def write(folder: Path, weights: list[Weight], value: Callable[[Weight], torch.Tensor], dtype: torch.dtype) -> None:
    """Write the shards beside the folder; the arguments are those of `write_shards`."""
    with writing(_beside(folder)) as partial:
        assert partial is not None, f"{_beside(folder)} was written by another process"
        write_shards(partial, weights, value, dtype, "Merging")


def write_shards(
    folder: Path, weights: list[Weight], value: Callable[[Weight], torch.Tensor], dtype: torch.dtype, title: str
) -> None:
    """Write a checkpoint's shards and their index; at most one shard and one tensor are in memory.

    Args:
        folder: for the shards.
        weights: the checkpoint's tensors.
        value: returns a tensor's value.
        dtype: of every tensor but integers, which are buffers that older checkpoints hold.
        title: of the progress bar.
    """
    from safetensors.torch import save_file

    groups = in_groups(weights, SHARD_BYTES // dtype.itemsize)
    size = sum(weight.elements for weight in weights) * dtype.itemsize
    weight_map: dict[str, str] = {}
    with tqdm(total=size, unit="B", unit_scale=True, desc=title) as bar:
        for number, group in enumerate(groups, 1):
            name = _SINGLE if len(groups) == 1 else f"model-{number:05d}-of-{len(groups):05d}.safetensors"
            tensors = {}
            for weight in group:
                tensor = value(weight)
                tensors[weight.name] = (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()
                bar.update(weight.elements * dtype.itemsize)
            save_file(tensors, folder / name, metadata={"format": "pt"})
            weight_map |= dict.fromkeys(tensors, name)
    if len(groups) > 1:
        index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
        (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def finish(folder: Path, composition: dict[str, Any]) -> None:
    """Move the shards into the folder, then their index; write `composition.json` last.

    Args:
        folder: the checkpoint's, with its configuration, tokenizer and processor.
        composition: of the composed model.
    """
    beside = _beside(folder)
    for file in sorted(beside.iterdir(), key=lambda file: (file.suffix == ".json", file.name)):
        file.chmod((folder / "config.json").stat().st_mode)  # safetensors makes files that only the owner can read
        file.replace(folder / file.name)
    beside.rmdir()
    lock_of(beside).unlink(missing_ok=True)
    with atomic_write(folder / COMPOSITION) as partial:
        partial.write_text(json.dumps(composition, indent=1, sort_keys=True), encoding="utf-8")


def _old(folder: Path) -> list[Path]:
    return [folder / COMPOSITION, folder / _INDEX, *folder.glob("*.safetensors")]


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.weights")
