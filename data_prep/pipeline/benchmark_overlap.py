"""Find benchmark items in training rows: a question on the same image, a text question, or the same image alone."""

import json
import pickle
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from data_prep.atomic import atomic_write
from data_prep.mixture import Mixture
from data_prep.pipeline import load_images, read_rows, stage
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder
from data_prep.text.overlap import TextOverlap

SAME_IMAGE = 4
"""The most bits, of 64, in which the perceptual hashes of copies of one image differ.

Of 62 images shipped by packages, 99% of the copies as JPEG of quality 30 to 95 and of 0.5 to 1.5 times the size were
within 4 bits. Of different images, the two of a stereo pair were 4 bits apart, two drawings of one plot 6, all others
16 or more.
"""

FILE = "benchmarks.pickle"
_BLOCK = 1_000


@dataclass
class Benchmarks:
    """The items of all benchmarks.

    Attributes:
        text: the questions of items without an image.
        on_image: for each key of a training image that benchmarks share, their questions on it.
        shared: for each such key, the names of these benchmarks.
    """

    text: TextOverlap
    on_image: dict[str, TextOverlap] = field(default_factory=dict)
    shared: dict[str, list[str]] = field(default_factory=dict)

    def hits(self, turns: list[str], keys: list[str]) -> list[tuple[str, str]]:
        """The (benchmark, item) pairs that a row contains; `turns` holds the normalised text of its turns."""
        texts = [*turns[:-1:2], *turns[1:-1:2], " ".join(turns)]
        found = dict.fromkeys(pair for text in texts for pair in self.text.match(text))
        for key in keys:
            if key in self.on_image:
                found |= dict.fromkeys(pair for text in texts for pair in self.on_image[key].match(text))
        return list(found)


def gather(workdir: BuildFolder, slices: list[Slice], tasks: int, mixture: Mixture) -> None:
    """Collect the benchmarks' items from the previous stages into one file, which each task of the next one reads."""
    path = workdir.folder / FILE
    if path.exists() or not mixture.benchmarks:
        return
    text: list[tuple[str, str, str]] = []
    on_name: dict[tuple[int, str], list[tuple[str, str, str]]] = {}
    first = len(mixture.sources)
    for rank, part in enumerate(slices):
        if part.source < first:
            continue
        name = mixture.benchmarks[part.source - first].name
        rows = stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), ["id", "normalised", "images"])
        for row in rows.to_pylist():
            item = (name, row["id"], " ".join(row["normalised"][:-1:2]))
            text += [] if row["images"] else [item]
            for image in row["images"]:
                on_name.setdefault((part.source, image), []).append(item)
    same = _same_images(workdir, tasks, first)
    made = Benchmarks(TextOverlap(text))
    for key, names in same.items():
        items = [item for name in names for item in on_name.get(name, [])]
        made.on_image[key] = TextOverlap(items)
        made.shared[key] = sorted({mixture.benchmarks[source - first].name for source, _ in names})
    with atomic_write(path) as partial:
        partial.write_bytes(pickle.dumps(made))


def uncompared(workdir: BuildFolder, slices: list[Slice], tasks: int, mixture: Mixture) -> list[dict[str, Any]]:
    """Count by benchmark and reason the items that no row was compared with: rejected, or without a usable image."""
    if not mixture.benchmarks:
        return []
    first = len(mixture.sources)
    known = load_images.index(workdir, tasks, ["source", "name", "reason"])
    known = known.filter(pc.and_(pc.greater_equal(known["source"], first), pc.is_valid(known["reason"])))
    bad = {(row["source"], row["name"]): row["reason"] for row in known.to_pylist()}
    counts: Counter[tuple[str, str]] = Counter()
    for rank, part in enumerate(slices):
        if part.source < first:
            continue
        name = mixture.benchmarks[part.source - first].name
        for reason, number in json.loads(workdir.path(read_rows.STAGE, rank, "json").read_text())["ledger"].items():
            counts[name, reason] += number
        for images in stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), ["images"])["images"].to_pylist():
            reasons = [bad.get((part.source, image)) for image in images]
            if reasons and all(reasons):
                counts[name, str(reasons[0])] += 1
    return [{"benchmark": name, "reason": reason, "rows": rows} for (name, reason), rows in sorted(counts.items())]


def load(folder: Path) -> Benchmarks | None:
    """What `gather` collected, or None if the mixture has no benchmark."""
    path = folder / FILE
    if not path.exists():
        return None
    made: Benchmarks = pickle.loads(path.read_bytes())  # written by `gather`, in this build's own folder
    return made


def _same_images(workdir: BuildFolder, tasks: int, first: int) -> dict[str, list[tuple[int, str]]]:
    """For each key of a training image, the (source, name) pairs of the benchmark images that show it, also flipped."""
    known = load_images.index(workdir, tasks, ["source", "name", "key", "phash", "flipped"])
    known = known.filter(pc.is_valid(known["key"]))
    is_training = pc.less(known["source"], first)
    training, wanted = known.filter(is_training), known.filter(pc.invert(is_training)).to_pylist()
    hashes = [int(phash, 16) for row in wanted for phash in (row["phash"], *row["flipped"])]
    owners = [number for number, row in enumerate(wanted) for _ in (row["phash"], *row["flipped"])]
    by_key = {row["key"]: row["phash"] for row in training.select(["key", "phash"]).to_pylist()}
    keys, ours = list(by_key), np.array([int(phash, 16) for phash in by_key.values()], np.uint64)
    found: dict[str, dict[int, None]] = {}
    for start in range(0, len(hashes), _BLOCK):
        theirs = np.array(hashes[start : start + _BLOCK], np.uint64)
        for place in range(0, len(ours), _BLOCK):
            apart = np.bitwise_count(ours[place : place + _BLOCK, None] ^ theirs[None, :])
            for row, column in zip(*np.nonzero(apart <= SAME_IMAGE), strict=True):
                found.setdefault(keys[place + row], {})[owners[start + column]] = None
    for number, row in enumerate(wanted):
        if row["key"] in by_key:
            found.setdefault(row["key"], {})[number] = None
    return {key: [(wanted[n]["source"], wanted[n]["name"]) for n in numbers] for key, numbers in found.items()}
