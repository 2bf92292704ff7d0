"""Assemble the dataset folder: link shards and store, write ledger, image list, card and, last, the manifest."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep import card, ledger, manifest
from data_prep.atomic import link_or_copy
from data_prep.counted import counted
from data_prep.mixture import Mixture
from data_prep.pipeline import conflicts, decisions, read_rows, write_shards, write_store
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder
from data_prep.shards import split_of

IMAGE_LIST = "images.jsonl"
"""Where each stored image comes from: source, name, key, size, hash of the original file, and how it was converted."""


_LISTS = (ledger.FILE_NAME, IMAGE_LIST, conflicts.FILE_NAME)

_SHOWN = 5
"""The entries of the ledger in the message about a dataset without a row."""
_SHOWN_CHARACTERS = 200


class NothingWritten(RuntimeError):
    """A dataset without a row."""


@dataclass(frozen=True)
class Extra:
    """Files that stand beside the shards, made from them.

    Attributes:
        digest: of all that `write` depends on besides the shards; the dataset's `inputs` depend on it.
        write: writes the files into the unfinished folder, which has its shards and images, and returns
            {"files": their names, "manifest": further keys of the manifest}.
    """

    digest: str
    write: Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class StageOutputs:
    """What the stages have written.

    Attributes:
        workdir: the folder of their files.
        tasks: the number of tasks of the images stage.
        uncompared: the counts of benchmark items that no row was compared with.
        decided: the summary of the selection.
        images: the number of images in each file of the store.
    """

    workdir: BuildFolder
    mixture: Mixture
    slices: list[Slice]
    tasks: int
    uncompared: list[dict[str, Any]]
    decided: dict[str, Any]
    images: dict[str, int]


def assemble(outputs: StageOutputs, out: Path, inputs: str, command: str, extra: Extra | None = None) -> dict[str, Any]:
    """Assemble the folder beside `out`, move it into place, and return its manifest.

    Raises NothingWritten if no row is left; the ledger is then at `kept_ledger(out)`, and `out` as it was.
    """
    folder = out.with_name(f".{out.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)  # left by a killed build
    try:
        made = _fill(outputs, folder, inputs, command, kept=kept_ledger(out), extra=extra)
        _move(folder, out)
        kept_ledger(out).unlink(missing_ok=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def kept_ledger(out: Path) -> Path:
    """Where the ledger of a build is kept that could write no row; the next successful build removes it."""
    return out.with_name(f"{out.name}.{ledger.FILE_NAME}")


def _fill(
    outputs: StageOutputs, folder: Path, inputs: str, command: str, *, kept: Path, extra: Extra | None
) -> dict[str, Any]:
    (folder / "images").mkdir(parents=True)
    for name in outputs.decided["shards"]:
        link_or_copy(outputs.workdir.folder / write_shards.GATHER / name, folder / name)
    for name in outputs.images:
        link_or_copy(outputs.workdir.folder / write_store.STAGE / write_store.FILES / name, folder / "images" / name)
    left_out = _ledger(outputs, folder / ledger.FILE_NAME)
    if not outputs.decided["shards"]:
        raise NothingWritten(_nothing_written(outputs.mixture.name, folder / ledger.FILE_NAME, left_out, kept))
    with (folder / IMAGE_LIST).open("w", encoding="utf-8", newline="\n") as file:
        shards = list(outputs.decided["shards"])
        for line in write_store.image_list(outputs.workdir, outputs.tasks, shards, outputs.mixture.sources):
            file.write(line + "\n")
    with (folder / conflicts.FILE_NAME).open("w", encoding="utf-8", newline="\n") as file:
        saved = outputs.workdir.folder / decisions.STAGE / decisions.CONFLICTS
        file.writelines(line + "\n" for line in conflicts.lines(saved, folder, outputs.decided["shards"]))
    made = _manifest(outputs, folder, left_out, inputs, command)
    if extra is not None:
        more = extra.write(folder)
        made |= more["manifest"]
        made["files"] |= {name: manifest.sha256(folder / name) for name in more["files"]}
    (folder / card.FILE_NAME).write_text(card.render(made), encoding="utf-8")
    manifest.write(folder, made)
    return made


def _nothing_written(name: str, path: Path, left_out: Counter[str], kept: Path) -> str:
    """Move the ledger at `path` to `kept`; the message with its counts by reason and its first entries."""
    if not left_out:
        return f"{name}: no row was written: every row belongs to another split or was not asked for"
    path.replace(kept)
    with kept.open(encoding="utf-8") as file:
        first = [json.loads(line) for line in islice(file, _SHOWN)]
    why = ", ".join(f"{reason} {count}" for reason, count in left_out.items())
    lines = [f"{name}: none of {counted(left_out.total(), 'row')} was written: {why}"]
    lines += [f"  {entry['reason']}: {entry['id']}: {entry['detail']}"[:_SHOWN_CHARACTERS] for entry in first]
    lines.append(f"every row that was left out, and why: {kept}")
    return "\n".join(lines)


def _ledger(outputs: StageOutputs, path: Path) -> Counter[str]:
    """Join the ledgers of the stages, in the order of the rows; return the counts by reason."""
    with path.open("wb") as joined:
        for rank in range(len(outputs.slices)):
            for stage in (read_rows.STAGE, write_shards.SCATTER):
                with outputs.workdir.path(stage, rank, read_rows.LEDGER).open("rb") as part:
                    shutil.copyfileobj(part, joined)
    counts: Counter[str] = Counter()
    for stage in (read_rows.STAGE, write_shards.SCATTER):
        for entry in _summaries(outputs, stage):
            counts.update(entry["ledger"])
    return counts


def _summaries(outputs: StageOutputs, stage: str) -> Iterator[dict[str, Any]]:
    for rank in range(len(outputs.slices)):
        yield json.loads(outputs.workdir.path(stage, rank, "json").read_text())


def _manifest(outputs: StageOutputs, folder: Path, left_out: Counter[str], inputs: str, command: str) -> dict[str, Any]:
    mixture, decided, work = outputs.mixture, outputs.decided, outputs.workdir.folder
    others = sum(entry["others"] for entry in _summaries(outputs, read_rows.STAGE))
    return {
        "format": manifest.FORMAT,
        "name": mixture.name,
        "shards": manifest.describe(work / write_shards.GATHER, "rows", decided["shards"]),
        "images": manifest.describe(work / write_store.STAGE / write_store.FILES, "images", outputs.images),
        "sources": _sources(mixture),
        "missing": mixture.missing,
        "short": decided["short"],
        "counts": _counts(folder, list(decided["shards"])),
        "read": sum(part.rows for part in outputs.slices) - others,
        "written": sum(decided["shards"].values()),
        "repeated": decided["repeated"],
        "not_asked_for": others,
        "checks": mixture.checks,
        "identities_masked": sum(entry["masked"] for entry in _summaries(outputs, read_rows.STAGE)),
        "ledger": dict(sorted(left_out.items())),
        "duplicates": decided["duplicates"],
        "benchmarks": [benchmark.name for benchmark in mixture.benchmarks],
        "uncompared": outputs.uncompared,
        "overlaps": decided["overlaps"],
        "parents": decided["parents"],
        "conflicts": decided["conflicts"],
        "images_max_side": mixture.max_side,
        "files": {name: manifest.sha256(folder / name) for name in _LISTS},
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
            "redistribute": source.redistribute,
            **({"test_split": True} if source.is_test else {}),
        }
        about += [entry] if entry not in about else []
    return about


def _counts(folder: Path, names: list[str]) -> dict[str, dict[str, int]]:
    """Count the written rows by split and by each of the columns in COUNTED."""
    by: dict[str, Counter[str]] = {name: Counter() for name in ("split", *manifest.COUNTED)}
    for shard in names:
        table = pq.read_table(folder / shard, columns=list(manifest.COUNTED))
        by["split"][split_of(shard)] += table.num_rows
        for name in manifest.COUNTED:
            for entry in pc.value_counts(table[name]).to_pylist():
                by[name][entry["values"]] += entry["counts"]
    return {name: dict(sorted(counter.items())) for name, counter in by.items()}


def _move(partial: Path, out: Path) -> None:
    """Move the finished folder into place; `out` never holds a part of it."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)
