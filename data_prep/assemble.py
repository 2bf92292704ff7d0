"""The finished folder: shards and store linked in, ledger, account of the images, card and, last, the manifest."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import card, ledger, manifest
from data_prep.mixture import Mixture
from data_prep.pipeline import read, shards, store
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Work, link
from data_prep.shards import split_of

IMAGE_LIST = "images.jsonl"
"""Where each stored image comes from: source, name, key, size, hash of the file as it came, and how it was made."""


class NothingWritten(RuntimeError):
    """A data set without a row."""


@dataclass(frozen=True)
class Built:
    """What the stages leave: their folder, the slices, the number of tasks of the images stage, the benchmarks' items
    that nothing was compared with, the selection's summary, and the store's files with their numbers of images.
    """

    work: Work
    mixture: Mixture
    slices: list[Slice]
    tasks: int
    uncompared: list[dict[str, Any]]
    decided: dict[str, Any]
    images: dict[str, int]


def assemble(built: Built, out: Path, inputs: str, command: str) -> dict[str, Any]:
    """Put the folder together beside `out` and move it there; its manifest. Raises NothingWritten."""
    folder = out.with_name(f".{out.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)  # what a killed build left
    try:
        made = _fill(built, folder, inputs, command)
        _move(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _fill(built: Built, folder: Path, inputs: str, command: str) -> dict[str, Any]:
    (folder / "images").mkdir(parents=True)
    for name in built.decided["shards"]:
        link(built.work.folder / shards.GATHER / name, folder / name)
    for name in built.images:
        link(built.work.folder / store.STAGE / store.FILES / name, folder / "images" / name)
    left_out = _ledger(built, folder / ledger.FILE_NAME)
    if not built.decided["shards"]:
        why = ", ".join(f"{reason} {count}" for reason, count in left_out.items()) or "the sources are empty"
        raise NothingWritten(f"{built.mixture.name}: none of {sum(left_out.values())} rows was written: {why}")
    with (folder / IMAGE_LIST).open("w", encoding="utf-8", newline="\n") as file:
        for line in store.described(built.work, built.tasks, list(built.decided["shards"]), built.mixture.sources):
            file.write(line + "\n")
    made = _manifest(built, folder, left_out, inputs, command)
    (folder / card.FILE_NAME).write_text(card.render(made), encoding="utf-8")
    manifest.write(folder, made)
    return made


def _ledger(built: Built, path: Path) -> Counter[str]:
    """Join the ledgers of the stages, in the order of the rows; the counts by reason."""
    with path.open("wb") as joined:
        for rank in range(len(built.slices)):
            for stage in (read.STAGE, shards.SCATTER):
                with built.work.path(stage, rank, read.LEDGER).open("rb") as part:
                    shutil.copyfileobj(part, joined)
    counts: Counter[str] = Counter()
    for stage in (read.STAGE, shards.SCATTER):
        for entry in _counted(built, stage):
            counts.update(entry["ledger"])
    return counts


def _counted(built: Built, stage: str) -> Iterator[dict[str, Any]]:
    for rank in range(len(built.slices)):
        yield json.loads(built.work.path(stage, rank, "json").read_text())


def _manifest(built: Built, folder: Path, left_out: Counter[str], inputs: str, command: str) -> dict[str, Any]:
    mixture, decided = built.mixture, built.decided
    others = sum(entry["others"] for entry in _counted(built, read.STAGE))
    return {
        "format": manifest.FORMAT,
        "name": mixture.name,
        "shards": manifest.describe(folder, decided["shards"], "rows", decided["shards"]),
        "images": manifest.describe(folder / "images", built.images, "images", built.images),
        "sources": _sources(mixture),
        "missing": mixture.missing,
        "short": decided["short"],
        "counts": _counts(folder, list(decided["shards"])),
        "read": sum(part.rows for part in built.slices) - others,
        "written": sum(decided["shards"].values()),
        "repeated": decided["repeated"],
        "not_asked_for": others,
        "checks": mixture.checks,
        "identities_masked": sum(entry["masked"] for entry in _counted(built, read.STAGE)),
        "ledger": dict(sorted(left_out.items())),
        "duplicates": decided["duplicates"],
        "benchmarks": [benchmark.name for benchmark in mixture.benchmarks],
        "uncompared": built.uncompared,
        "overlaps": decided["overlaps"],
        "images_max_side": mixture.max_side,
        "files": {name: manifest.sha256(folder / name) for name in (ledger.FILE_NAME, IMAGE_LIST)},
        "inputs": inputs,
        "command": command,
        "versions": manifest.versions(),
    }


def _sources(mixture: Mixture) -> list[dict[str, Any]]:
    about: list[dict[str, Any]] = []
    for source in mixture.sources:
        entry = {
            "name": source.name,
            "version": source.version(),
            "licence": source.terms,
            "redistribute": source.ABOUT.redistribute,
        }
        about += [entry] if entry not in about else []
    return about


def _counts(folder: Path, names: list[str]) -> dict[str, dict[str, int]]:
    """Written rows by split and by each counted column."""
    by: dict[str, Counter[str]] = {name: Counter() for name in ("split", *manifest.COUNTED)}
    for shard in names:
        table = pq.read_table(folder / shard, columns=list(manifest.COUNTED))
        by["split"][split_of(shard)] += table.num_rows
        for name in manifest.COUNTED:
            for entry in pc.value_counts(table[name]).to_pylist():
                by[name][entry["values"]] += entry["counts"]
    return {name: dict(sorted(counter.items())) for name, counter in by.items()}


def _move(partial: Path, out: Path) -> None:
    """Put the finished folder in place; at no moment does `out` hold a part of it."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)
