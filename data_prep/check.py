"""Check a dataset folder against its manifest and the row contract."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from data_prep import manifest, rows
from data_prep.images.encode import stored_image
from data_prep.images.store import stored_images
from data_prep.rows import Reject
from data_prep.shards import shard_rows, split_of
from data_prep.text import language


class CheckError(ValueError):
    """All findings in a dataset folder that fails its check."""


def check(folder: Path) -> dict[str, Any]:
    """Check hashes, counts, every row and every image; return the manifest. Raises ManifestError or CheckError."""
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
        try:
            found = stored_image(image["bytes"], max_pixels=image["width"] * image["height"])
        except Reject as reject:
            advice = "" if image["phash"] else "; made without `checks`, which would have left its rows out"
            findings.append(f"image {key}: {reject}{advice}")
            continue
        same_hash = image["phash"] in (None, found.phash)  # null if the mixture turned the checks off
        if (found.width, found.height) != (image["width"], image["height"]) or not same_hash:
            findings.append(f"image {key}: its size or perceptual hash is not the one stored")
    if len(keys) != sum(entry["images"] for entry in made["images"].values()):
        findings.append(f"{len(keys)} images are stored; the manifest says otherwise")
    return keys, findings


def _check_rows(folder: Path, made: dict[str, Any], keys: set[str]) -> list[str]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("split", *manifest.COUNTED)}
    findings: list[str] = []
    ids: set[str] = set()
    used: set[str] = set()
    for shard, row in shard_rows(folder, list(made["shards"])):
        for name, counter in counts.items():
            counter[split_of(shard) if name == "split" else row[name]] += 1
        used.update(row["images"])
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
    if made["read"] + made["repeated"] != written + sum(made["ledger"].values()):
        findings.append("read is not written + ledger")
    return findings + [f"image {key} is in no row" for key in sorted(keys - used)]
