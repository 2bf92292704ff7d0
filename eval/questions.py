"""What a run asks: items of a data set or of a benchmark, with their pictures and what the header says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep.images.image_store import ImageStore, ImageStoreError
from eval.dataset import DataSet, items_of
from eval.errors import EvalError
from eval.items import Item
from eval.permute import permute_images

if TYPE_CHECKING:
    from eval.benchmark import Benchmark

PERMUTATION_SEED = 0
DATA_SET_TOKENS = 32

PictureBytes = Callable[[str], bytes]


@dataclass(frozen=True)
class Selection:
    """Which items of a data set are asked, and whether rows show each other's pictures.

    `tasks` empty means all; `limit` keeps the first so many items.
    """

    split: str
    permute: bool = False
    tasks: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class Questions:
    """The items of one run.

    Attributes:
        name: where they come from, in every prediction line.
        items: in a fixed order, with unique ids.
        open_pictures: gives the reader of pictures by name, after checking what can be checked at once.
        about: what the header says of them, under `data` or `benchmark`.
        max_new_tokens: the longest answer, where the person at the terminal does not say.
        permuted: whether rows show each other's pictures.
    """

    name: str
    items: list[Item]
    open_pictures: Callable[[], PictureBytes]
    about: dict[str, Any]
    max_new_tokens: int = DATA_SET_TOKENS
    permuted: bool = False


def of_data(data: DataSet, selection: Selection) -> Questions:
    """Ask a split of a data set.

    Raises:
        EvalError: nothing is left to ask, or a row cannot be used.
    """
    items = select_items(data, selection)
    about = {
        "folder": data.folder.as_posix(),
        "name": data.name,
        "manifest_sha256": data.manifest_sha256,
        "counts": data.manifest.get("counts", {}),
        "split": selection.split,
        "tasks": list(selection.tasks),
        "limit": selection.limit,
    }
    return Questions(
        name=f"{data.name}/{selection.split}",
        items=items,
        open_pictures=lambda: _store(data.folder / "images", items),
        about={"data": about},
        permuted=selection.permute,
    )


def of_benchmark(benchmark: Benchmark, limit: int | None = None) -> Questions:
    """Ask a benchmark; the hash of its split is that of all its items, whatever the limit.

    Raises:
        EvalError: a file of it cannot be used, or its ids are missing or not unique.
    """
    items = benchmark.items()
    check_items(items, benchmark.name)
    about = {
        "name": benchmark.name,
        "split": benchmark.ABOUT.split,
        "sha256": benchmark.sha256(items),
        "licence": benchmark.ABOUT.licence,
        "limit": limit,
    }
    return Questions(
        name=benchmark.name,
        items=items[:limit],
        open_pictures=lambda: benchmark.image,
        about={"benchmark": about},
        max_new_tokens=benchmark.MAX_NEW_TOKENS,
    )


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
    check_items(items, f"{data.folder}, split {selection.split!r}")
    return items[: selection.limit]


def check_items(items: Sequence[Item], where: str) -> None:
    """Check what every scorer relies on.

    Raises:
        EvalError: no item at all, an item without id, an id that comes twice, or another number of image parts than
            of images.
    """
    if not items:
        raise EvalError(f"{where}: there is no item to ask. Get its files again.")
    seen: dict[str, int] = {}
    for place, item in enumerate(items, start=1):
        if not item.id.strip():
            raise EvalError(f"{where}: item {place} has no id. Answers are joined by id: get the file again.")
        if item.id in seen:
            raise EvalError(
                f"{where}: items {seen[item.id]} and {place} have the same id {item.id!r}. "
                "Answers are joined by id: get the file again, or remove one of them."
            )
        seen[item.id] = place
        parts = sum(part["type"] == "image" for message in item.messages for part in message["content"])
        if parts != len(item.images):
            raise EvalError(f"{where}: item {item.id!r} has {parts} image parts and {len(item.images)} images.")


def _store(folder: Path, items: Sequence[Item]) -> PictureBytes:
    """Open an image store if any item needs it, and look every key up before the work starts."""
    if not any(item.images for item in items):
        return lambda name: b""
    try:
        store = ImageStore(folder)
    except ImageStoreError as error:
        raise EvalError(str(error)) from error
    for item in items:
        for key in item.images:
            if key not in store:
                raise EvalError(f"{folder}: no image {key!r}, which item {item.id!r} shows. Build the data again.")
    return store.bytes
