"""What a run is: which checkpoint answers which items in which way, and the header that says so."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from eval.checkpoint import checkpoint_sha256
from eval.dataset import DataSet, Item, items_of
from eval.engine import Engine, default_device, resolve_dtype, shows_images
from eval.errors import EvalError
from eval.permute import permute_images
from eval.predictions import Header
from eval.progress import say

PERMUTATION_SEED = 0


@dataclass(frozen=True)
class Settings:
    """How answers are generated; decoding is greedy always."""

    batch_size: int = 16
    max_new_tokens: int = 32
    dtype: str = "auto"


@dataclass(frozen=True)
class Selection:
    """Which items of a data set are asked, and whether rows show each other's pictures.

    `tasks` empty means all; `limit` keeps the first so many items.
    """

    split: str
    permute: bool = False
    tasks: tuple[str, ...] = ()
    limit: int | None = None


class Checkpoint:
    """A checkpoint folder, hashed and loaded at most once, and only if it is needed."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.llava = shows_images(folder)
        self.device = default_device()
        self.dtype = resolve_dtype(settings.dtype, self.device)

    @cached_property
    def sha256(self) -> str:
        """The hash of what decides the answers."""
        return checkpoint_sha256(self.folder)

    @cached_property
    def engine(self) -> Engine:
        """The loaded model."""
        say(f"loading {self.folder} ({self.dtype} on {self.device})")
        return Engine(self.folder, self.dtype, self.device, self.settings.max_new_tokens)


def select_items(data: DataSet, selection: Selection) -> list[Item]:
    """Return the items of a selection in the order of the data set.

    Raises:
        EvalError: nothing is left to ask.
    """
    rows = data.rows(selection.split)
    if selection.permute:
        rows = permute_images(rows, PERMUTATION_SEED)
    items = [item for item in items_of(rows) if not selection.tasks or item.task in selection.tasks]
    if not items:
        raise EvalError(f"{data.folder}: split {selection.split!r} has no item of the tasks {selection.tasks}.")
    return items[: selection.limit]


def make_header(checkpoint: Checkpoint, data: DataSet, selection: Selection) -> Header:
    """Describe all that decides the predictions; two runs with equal headers can share a file."""
    shown = "permuted" if selection.permute else "shown"
    return {
        "format": 1,
        "model": checkpoint.folder.as_posix(),
        "checkpoint_sha256": checkpoint.sha256,
        "images": shown if checkpoint.llava else "not shown",
        "permuted": {"seed": PERMUTATION_SEED} if selection.permute else None,
        "generation": {
            "decoding": "greedy",
            "max_new_tokens": checkpoint.settings.max_new_tokens,
            "batch_size": checkpoint.settings.batch_size,
            "dtype": checkpoint.dtype,
            "device": checkpoint.device,
        },
        "data": {
            "folder": data.folder.as_posix(),
            "name": data.name,
            "manifest_sha256": data.manifest_sha256,
            "counts": data.manifest.get("counts", {}),
            "split": selection.split,
            "tasks": list(selection.tasks),
            "limit": selection.limit,
        },
        "versions": {
            "python": platform.python_version(),
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }
