"""A data set folder as items to answer: one item for each assistant turn of a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from eval.errors import EvalError
from eval.items import Item, Message, Part, text_of

COLUMNS = ["id", "language", "task", "modality", "messages", "images"]

Row = dict[str, Any]


@dataclass(frozen=True)
class DataSet:
    """A complete data set folder: its manifest was written last, so its presence means that the rest is there."""

    folder: Path
    manifest: dict[str, Any]
    manifest_sha256: str

    @classmethod
    def open(cls, folder: str | Path) -> DataSet:
        """Read the manifest.

        Raises:
            EvalError: there is no such folder, or it has no manifest.json or one that cannot be read.
        """
        folder = Path(folder)
        path = folder / "manifest.json"
        remedy = f"Make it with `python -m data_prep build recipes/data/{folder.name}.yml --out {folder}`."
        if not path.is_file():
            raise EvalError(f"{path}: there is no manifest, so {folder} is no complete data set. {remedy}")
        content = path.read_bytes()
        try:
            manifest = json.loads(content)
            shards = manifest["shards"]
        except (ValueError, KeyError, TypeError) as error:
            raise EvalError(f"{path}: not the manifest of a data set ({error!r}). {remedy}") from error
        missing = [file for file in shards if not (folder / file).is_file()]
        if missing:
            raise EvalError(f"{folder / missing[0]}: the manifest names this shard, but it is not there. {remedy}")
        return cls(folder, manifest, hashlib.sha256(content).hexdigest())

    @property
    def name(self) -> str:
        """The data set's name, by its manifest."""
        return self.manifest.get("name", self.folder.name)

    def splits(self) -> list[str]:
        """Return the names of the splits: what stands before the first dash of a shard's name."""
        return sorted({file.partition("-")[0] for file in self.manifest["shards"]})

    def rows(self, split: str) -> list[Row]:
        """Read every row of a split in the shards' order.

        Raises:
            EvalError: no such split, or a row with another number of image parts than images.
        """
        files = sorted(file for file in self.manifest["shards"] if file.partition("-")[0] == split)
        if not files:
            raise EvalError(f"{self.folder}: no split {split!r}. Its splits are {', '.join(self.splits())}.")
        rows = [row for file in files for row in pq.read_table(self.folder / file, columns=COLUMNS).to_pylist()]
        for row in rows:
            parts = sum(part["type"] == "image" for message in row["messages"] for part in message["content"])
            if parts != len(row["images"] or []):
                raise EvalError(
                    f"{self.folder}: row {row['id']!r} has {parts} image parts and {len(row['images'] or [])} images. "
                    "Build the data set again."
                )
        return rows


def items_of(rows: Sequence[Row]) -> list[Item]:
    """Make an item of every assistant turn, with the turns before it as they stand in the row."""
    return [item for row in rows for item in _items_of_row(row)]


def _items_of_row(row: Row) -> list[Item]:
    items: list[Item] = []
    history: list[Message] = []
    images_shown = 0
    for message in row["messages"]:
        if message["role"] == "assistant":
            items.append(
                Item(
                    id=f"{row['id']}#{len(items)}",
                    language=row["language"],
                    task=row["task"],
                    modality=row["modality"],
                    messages=tuple(history),
                    images=tuple((row["images"] or [])[:images_shown]),
                    question=text_of(history[-1]),
                    gold=text_of(message),
                )
            )
        parts = [_part(part) for part in message["content"]]
        images_shown += sum(part["type"] == "image" for part in parts)
        history.append({"role": message["role"], "content": parts})
    return items


def _part(part: dict[str, Any]) -> Part:
    return {"type": "image"} if part["type"] == "image" else {"type": "text", "text": part["text"]}
