"""A dataset folder as rows, and the control that gives every row another row's images."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from eval.errors import EvalError

COLUMNS = ["id", "language", "task", "modality", "messages", "images", "parent"]
RECIPES = Path("recipes/data")

Row = dict[str, Any]
Keys = Sequence[str]


@dataclass(frozen=True)
class DataSet:
    """A complete dataset folder: its manifest is written last, so its presence means that the rest is there."""

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
        remedy = f"Build it with `python -m data_prep build {_recipe(folder.name)} --out {folder}`."
        if not path.is_file():
            raise EvalError(f"{path}: there is no manifest, so {folder} is not a complete dataset. {remedy}")
        content = path.read_bytes()
        try:
            manifest = json.loads(content)
            shards = manifest["shards"]
        except (ValueError, KeyError, TypeError) as error:
            raise EvalError(f"{path}: not the manifest of a dataset ({error!r}). {remedy}") from error
        missing = [file for file in shards if not (folder / file).is_file()]
        if missing:
            raise EvalError(f"{folder / missing[0]}: the manifest names this shard, but it is not there. {remedy}")
        return cls(folder, manifest, hashlib.sha256(content).hexdigest())

    @property
    def name(self) -> str:
        """The dataset's name, by its manifest."""
        return self.manifest.get("name", self.folder.name)

    def splits(self) -> list[str]:
        """Return the names of the splits: what stands before the first dash of a shard's name."""
        return sorted({file.partition("-")[0] for file in self.manifest["shards"]})

    def rows(self, split: str) -> list[Row]:
        """Read every row of a split in the shards' order.

        Raises:
            EvalError: no such split, or a row with a different number of image parts and images.
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
                    "Build the dataset again."
                )
        return rows


def _recipe(name: str) -> str:
    """The mixture that makes the dataset of a folder's name, where there is one; else a placeholder."""
    path = RECIPES / f"{name.replace('-', '_')}.yml"
    return path.as_posix() if path.is_file() else "MIXTURE.yml"


def permute_images(rows: Sequence[Row], seed: int) -> list[Row]:
    """Return the rows with the images exchanged between them; text-only rows are left alone.

    A model that still answers does not look at the image. Every image row gets the images of another row whose first
    image is a different one. Rows exchange with rows of the same number of images, each row giving its images away
    once, wherever this is possible.

    Raises:
        EvalError: all image rows begin with the same image, so there is nothing to exchange.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row["images"]:
            groups[len(row["images"])].append(place)
    given = [list(row["images"] or []) for row in rows]
    rng = random.Random(seed)
    donors = {row: donor for group in groups.values() for row, donor in _donors(group, given, rng).items()}
    return [
        {**row, "images": _exactly(len(given[place]), given[donors[place]])} if place in donors else row
        for place, row in enumerate(rows)
    ]


def _donors(group: list[int], images: Sequence[Keys], rng: random.Random) -> dict[int, int]:
    """Map each row of a group (all with as many images) to the row whose images it gets."""
    counts = Counter(images[place][0] for place in group)
    shuffled = rng.sample(sorted(counts), len(counts))
    rank = {key: number for number, key in enumerate(shuffled)}
    order = sorted(rng.sample(group, len(group)), key=lambda place: rank[images[place][0]])
    shift = max(counts.values())
    # Equal first images stand side by side, at most `shift` of them: a rotation by `shift` separates them all,
    # as long as it does not come round to the same run from behind.
    if 2 * shift <= len(order):
        return dict(zip(order, order[shift:] + order[:shift], strict=True))
    return {place: _any_donor(place, order, images, rng) for place in order}


def _any_donor(place: int, group: list[int], images: Sequence[Keys], rng: random.Random) -> int:
    """Pick a row with another first image: from the group if it has one, else from all rows."""
    for pool in (group, range(len(images))):
        candidates = [other for other in pool if images[other] and images[other][0] != images[place][0]]
        if candidates:
            return rng.choice(candidates)
    raise EvalError("Images cannot be permuted: every row of this split shows the same first image.")


def _exactly(count: int, keys: Keys) -> list[str]:
    return list(itertools.islice(itertools.cycle(keys), count))
