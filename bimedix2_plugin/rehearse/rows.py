"""The rehearsal's rows: a few dozen of a built dataset, as a dataset folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from bimedix2_plugin.data.prepared_set import MANIFEST, shards
from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

ROWS, TEST_ROWS = 32, 8
_SEARCHED = 4096  # rows at the beginning of a split from which the rehearsal's are chosen


def take(source: Path, folder: Path, cfg: DictDefault) -> None:
    """Write the rows that a recipe's rehearsal trains on; the images stay where they are.

    Args:
        source: a built dataset.
        folder: gets shards of each split that the recipe names, a link to the images, and a manifest.
        cfg: the recipe.

    Raises:
        RecipeError: the dataset has none of the splits, or no row that the recipe's stage takes.
    """
    folder.mkdir(parents=True)
    splits = {(entry.get("split") or "train").partition("[")[0]: ROWS for entry in cfg.datasets or []}
    splits |= {(entry.get("split") or "test").partition("[")[0]: TEST_ROWS for entry in cfg.test_datasets or []}
    for split, number in splits.items():
        there = split if shards(str(source), split) else "train"
        table = _chosen(source, there, number, align=cfg.stage == "align")
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    images = source / "images"
    if images.is_dir():
        (folder / "images").symlink_to(images.resolve(), target_is_directory=True)
    content = {"name": folder.name, "rows of": str(source), "command": "axolotl bimedix2-rehearse"}
    (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")


def _chosen(source: Path, split: str, number: int, *, align: bool) -> pa.Table:
    """Return the first rows of each kind (language, images, turns), in turns, so that a few hold every kind."""
    kinds: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    first = _first_rows(source, split)
    for row in first.to_pylist() if first else []:
        images, turns = len(row["images"] or []), len(row["messages"])
        if not align or (images == 1 and turns == 2):
            kinds.setdefault((row["language"], images, turns), []).append(row)
    chosen: list[dict[str, Any]] = []
    while len(chosen) < number and any(kinds.values()):
        chosen += [rows.pop(0) for rows in kinds.values() if rows]
    if first is None or not chosen:
        wanted = "with one image and one answer " if align else ""
        raise RecipeError(
            f"datasets: {source} has no row {wanted}in its split {split!r}. Name another dataset with --data."
        )
    return pa.Table.from_pylist(chosen[:number], first.schema)


def _first_rows(source: Path, split: str) -> pa.Table | None:
    """Return the first rows of a split, from its first shards; None if it has no shard."""
    tables, left = [], _SEARCHED
    for file in shards(str(source), split):
        for batch in pq.ParquetFile(file).iter_batches(batch_size=512):
            if left > 0:
                tables.append(pa.Table.from_batches([batch]))
                left -= batch.num_rows
    return pa.concat_tables(tables) if tables else None
