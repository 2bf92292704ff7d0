"""Check a dataset folder against its manifest and the row contract."""

import hashlib
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from data_prep import manifest, rows
from data_prep.errors import DataPrepError
from data_prep.images.encode import decoded_size, size_of
from data_prep.images.store import stored_images
from data_prep.pipeline import conflicts
from data_prep.rows import Reject
from data_prep.shards import shard_rows, split_of
from data_prep.text import language
from data_prep.text.normalise import normalised_all


class CheckError(DataPrepError, ValueError):
    """All findings in a dataset folder that fails its check."""


def check(folder: Path) -> dict[str, Any]:
    """Check hashes, counts, every row and every image; return the manifest. Raises ManifestError or CheckError.

    An image that the build has decoded, as its perceptual hash shows, is checked by the hash and the head of its bytes;
    any other, stored by a mixture with `checks: false`, is decoded here. So every image is decoded once.
    """
    made = manifest.read(folder)
    findings = _check_files(folder, made)
    if not findings:
        keys, found = _check_images(folder, made)
        findings += found + _check_rows(folder, made, keys)
    if findings:
        raise CheckError("\n".join(f"{folder}: {finding}" for finding in findings) + "\nbuild the folder again")
    return made


def _check_files(folder: Path, made: dict[str, Any]) -> list[str]:
    hashes = {name: entry["sha256"] for name, entry in made["shards"].items()}
    hashes |= {f"images/{name}": entry["sha256"] for name, entry in made["images"].items()}
    hashes |= made["files"]
    findings = []
    for name, wanted in hashes.items():
        path = folder / name
        if not path.is_file():
            findings.append(f"{name} is missing")
        elif manifest.sha256(path) != wanted:
            findings.append(f"{name} is not the file that the manifest describes (sha256 differs)")
    on_disk = {path.name for path in folder.glob("*.parquet")} | {f"images/{p.name}" for p in folder.glob("images/*")}
    return findings + [f"{name} is not in the manifest" for name in sorted(on_disk - hashes.keys())]


def _check_images(folder: Path, made: dict[str, Any]) -> tuple[set[str], list[str]]:
    keys: set[str] = set()
    findings = []
    for image in stored_images(folder / "images", list(made["images"])):
        key = image["key"]
        if key in keys:
            findings.append(f"image {key} is stored twice")
        keys.add(key)
        if hashlib.sha256(image["bytes"]).hexdigest() != key:
            findings.append(f"image {key}: its bytes have another sha256")
        read_size = size_of if image["phash"] else decoded_size
        try:
            size = read_size(image["bytes"], max_pixels=image["width"] * image["height"])
        except Reject as reject:
            advice = "" if image["phash"] else "; made without `checks`, which would have left its rows out"
            findings.append(f"image {key}: {reject}{advice}")
            continue
        if size != (image["width"], image["height"]):
            findings.append(f"image {key}: its size is not the one stored")
    if len(keys) != sum(entry["images"] for entry in made["images"].values()):
        findings.append(f"{len(keys)} images are stored; the manifest says otherwise")
    return keys, findings


def _check_rows(folder: Path, made: dict[str, Any], keys: set[str]) -> list[str]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("split", *manifest.COUNTED)}
    findings: list[str] = []
    ids: set[str] = set()
    used: set[str] = set()
    given = _Answers()
    for shard, row in shard_rows(folder, list(made["shards"])):
        for name, counter in counts.items():
            counter[split_of(shard) if name == "split" else row[name]] += 1
        used.update(row["images"])
        given.add(row)
        if row["id"] in ids:
            findings.append(f"{shard}: the id {row['id']} is there twice")
        ids.add(row["id"])
        findings += [f"{shard}: row {row['id']}: image {key} is not stored" for key in row["images"] if key not in keys]
        try:
            rows.check(row["messages"], len(row["images"]))
            if made["checks"]:
                answers, questions = (rows.text_by_role(row["messages"], role) for role in ("assistant", "user"))
                language.check(answers, questions, row["language"])
        except Reject as reject:
            findings.append(f"{shard}: row {row['id']}: {reject}")
    written = counts["split"].total()
    if counts != made["counts"] or written != made["written"]:
        findings.append("the rows' counts are not those of the manifest")
    if "conflicts" in made and made["conflicts"] != given.conflicts():
        findings.append("the conflicting answers are not those that the manifest counts")
    if made["read"] + made["repeated"] != written + sum(made["ledger"].values()):
        findings.append("read is not written + ledger")
    return findings + [f"image {key} is in no row" for key in sorted(keys - used)]


class _Answers:
    """What the rows answer to which question, as hashes, to count conflicting answers again."""

    def __init__(self) -> None:
        self._question, self._answer, self._source = array("Q"), array("Q"), array("Q")
        self._sources: dict[str, int] = {}

    def add(self, row: dict[str, Any]) -> None:
        """Add a row of the shards."""
        if not conflicts.is_compared(len(row["messages"]), len(row["images"])):
            return
        turns = normalised_all([rows.text_of([message]) for message in row["messages"]])
        asked = conflicts.asked(turns, row["images"], row["language"])
        self._question.append(asked.question)
        self._answer.append(asked.answer)
        self._source.append(self._sources.setdefault(row["source"], len(self._sources)))

    def conflicts(self) -> dict[str, dict[str, int]]:
        """The manifest's entry."""
        question, answer, source = map(np.array, (self._question, self._answer, self._source))
        return conflicts.counts(conflicts.groups(question, answer), source, list(self._sources))
