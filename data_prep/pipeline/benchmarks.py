"""What of the benchmarks a training row may have: a question on its image, a text item, or an image alone."""

import json
import pickle
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from data_prep.mixture import Mixture
from data_prep.pipeline import between, load_images, read
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Work, putting
from data_prep.text.overlap import TextOverlap

SAME_IMAGE = 4
"""Bits of 64 in which the perceptual hashes of one image may differ. Of 62 images that packages ship, 99 in 100
copies in JPEG of quality 30 to 95 and of half to one and a half times the size were that near; of different ones the
two images of a stereo pair were 4 apart, two drawings of one plot 6, all others 16 and more."""

FILE = "benchmarks.pickle"
_BLOCK = 1_000


@dataclass
class Benchmarks:
    """The items of all benchmarks.

    Attributes:
        text: the questions of items without an image.
        on_image: for each key of a training image, the questions of the benchmarks on that image.
        shared: for each such key, the benchmarks that have the image.
    """

    text: TextOverlap
    on_image: dict[str, TextOverlap] = field(default_factory=dict)
    shared: dict[str, list[str]] = field(default_factory=dict)

    def hits(self, said: list[str], keys: list[str]) -> list[tuple[str, str]]:
        """The (benchmark, item) pairs that a row holds; `said` is the normalised text of its turns."""
        texts = [*said[:-1:2], *said[1:-1:2], " ".join(said)]
        found = dict.fromkeys(pair for text in texts for pair in self.text.match(text))
        for key in keys:
            if key in self.on_image:
                found |= dict.fromkeys(pair for text in texts for pair in self.on_image[key].match(text))
        return list(found)


def gather(work: Work, slices: list[Slice], tasks: int, mixture: Mixture) -> None:
    """Collect the benchmarks' items from the stages before, into one file that each task reads."""
    path = work.folder / FILE
    if path.exists() or not mixture.benchmarks:
        return
    text: list[tuple[str, str, str]] = []
    on_name: dict[tuple[int, str], list[tuple[str, str, str]]] = {}
    first = len(mixture.sources)
    for rank, part in enumerate(slices):
        if part.source < first:
            continue
        name = mixture.benchmarks[part.source - first].name
        rows = between.table(work.path(read.STAGE, rank, "arrow"), ["id", "said", "images"]).to_pylist()
        for row in rows:
            item = (name, row["id"], " ".join(row["said"][:-1:2]))
            text += [] if row["images"] else [item]
            for image in row["images"]:
                on_name.setdefault((part.source, image), []).append(item)
    same = _same_images(work, tasks, first)
    made = Benchmarks(TextOverlap(text))
    for key, names in same.items():
        items = [item for name in names for item in on_name.get(name, [])]
        made.on_image[key] = TextOverlap(items)
        made.shared[key] = sorted({mixture.benchmarks[source - first].name for source, _ in names})
    with putting(path) as unfinished:
        unfinished.write_bytes(pickle.dumps(made))


def uncompared(work: Work, slices: list[Slice], tasks: int, mixture: Mixture) -> list[dict[str, Any]]:
    """The items that no row was compared with, since they or all their images cannot be used: by benchmark and
    reason how many.
    """
    if not mixture.benchmarks:
        return []
    first = len(mixture.sources)
    known = load_images.index(work, tasks, ["source", "name", "reason"])
    known = known.filter(pc.and_(pc.greater_equal(known["source"], first), pc.is_valid(known["reason"])))
    bad = {(row["source"], row["name"]): row["reason"] for row in known.to_pylist()}
    counts: Counter[tuple[str, str]] = Counter()
    for rank, part in enumerate(slices):
        if part.source < first:
            continue
        name = mixture.benchmarks[part.source - first].name
        for reason, number in json.loads(work.path(read.STAGE, rank, "json").read_text())["ledger"].items():
            counts[name, reason] += number
        for images in between.table(work.path(read.STAGE, rank, "arrow"), ["images"])["images"].to_pylist():
            reasons = [bad.get((part.source, image)) for image in images]
            if reasons and all(reasons):
                counts[name, str(reasons[0])] += 1
    return [{"benchmark": name, "reason": reason, "rows": rows} for (name, reason), rows in sorted(counts.items())]


def load(folder: Path) -> Benchmarks | None:
    """What `gather` collected, or None where the mixture names no benchmark."""
    path = folder / FILE
    if not path.exists():
        return None
    made: Benchmarks = pickle.loads(path.read_bytes())  # written by `gather`, in this build's own folder
    return made


def _same_images(work: Work, tasks: int, first: int) -> dict[str, list[tuple[int, str]]]:
    """For each key of a training image, the benchmarks' (source, name) images that it is, flips included."""
    known = load_images.index(work, tasks, ["source", "name", "key", "phash", "flipped"])
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
