"""A new dataset folder with what reviewers decided: corrected rows, and without rejected and unseen waiting rows."""

import json
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from data_prep import manifest
from data_prep.assemble import Extra
from data_prep.build import build
from data_prep.curate.items import Input
from data_prep.curate.kinds.benchmark import write_files
from data_prep.curate.made_rows import MadeFiles, line_at
from data_prep.curate.produce import LINES
from data_prep.curate.review import summary
from data_prep.curate.review.curated import CuratedSet, with_texts
from data_prep.curate.review.decisions import Decision, decide
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.store import Store
from data_prep.mixture import Duplicates, Mixture
from data_prep.shards import shard_rows, split_of
from data_prep.sources.dataset import REVIEW, SPLIT, Dataset


def apply(curated: CuratedSet, store: Store, out: Path, command: str, names: bool = False) -> dict[str, Any] | None:
    """Write the dataset after review to `out` and return its manifest; None if `out` already holds the same.

    Rows on which reviewers differ and nobody has decided count as not accepted. With `names`, card and manifest name
    the reviewers. Raises ReviewError, and BuildError if no row is left or the rows cannot be written.
    """
    if out.resolve() == curated.folder.resolve():
        raise ReviewError(f"--out {out}: that is the dataset under review; give another folder")
    decided = decide(store.verdicts())
    if not decided:
        raise ReviewError(
            f"{store.path}: no verdict yet; review rows first: python -m data_prep review {curated.folder}"
        )
    about = summary.about(summary.summarise(curated, store.verdicts(), store.roles()), names)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out.with_name(f".{out.name}.apply.lock"), timeout=0):
            return _write(curated, decided, out, command, about)
    except Timeout as error:
        raise ReviewError(f"{out}: another run is writing it; wait for its end or give another --out") from error
    except OSError as error:
        raise ReviewError(f"{error.filename or out}: {error.strerror}; free space, or give another --out") from error


def _write(
    curated: CuratedSet, decided: dict[str, Decision], out: Path, command: str, about: dict[str, Any]
) -> dict[str, Any] | None:
    splits = list(dict.fromkeys(split_of(name) for name in curated.manifest["shards"]))
    name = str(curated.manifest["name"])
    source = Dataset(name=name, path=str(curated.folder), splits=splits)
    folder = out.with_name(f".{out.name}.made")
    shutil.rmtree(folder, ignore_errors=True)  # left by a killed run
    folder.mkdir()
    try:
        with MadeFiles(folder, [Input(source)]) as files:
            for shard, row in shard_rows(curated.folder, list(curated.manifest["shards"])):
                _add(curated, source, {**row, SPLIT: split_of(shard)}, decided.get(row["id"]), files)
        listed = files.sources()
        mixture = Mixture(
            name=name,
            sources=[one for one, _ in listed],
            entries=[entry for _, entry in listed],
            duplicates=Duplicates(exact=False, near=False),
            identity="keep",
            checks=False,
            shuffle=False,
        )
        digest = manifest.digest([about, {row: vars(one) for row, one in sorted(decided.items())}])
        extra = Extra(digest, lambda made: _extra(curated, files, about, made))
        return build(mixture, out, command, extra=extra)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _add(
    curated: CuratedSet, source: Dataset, row: dict[str, Any], decision: Decision | None, files: MadeFiles
) -> None:
    """Write a row as decided, or why it is not written; `row` has its split in the key that the source reads."""
    row_id = row["id"]
    waits = row[SPLIT] == REVIEW
    if decision is None and waits:
        files.reject(0, row["source"], row_id, "needs_review", "no reviewer has seen it")
    elif decision is not None and not decision.settled:
        files.reject(0, row["source"], row_id, "needs_review", "reviewers differ, and no adjudicator has decided")
    elif decision is not None and decision.rejects:
        files.reject(0, row["source"], row_id, "rejected_in_review", decision.reason or "a major error")
    else:
        line = curated.line(row_id)
        sample = source.sample(row_id, row)
        if decision is not None:
            line["review"] = {"verdict": decision.verdict, "corrected": decision.texts is not None}
            if decision.texts is not None:
                sample = sample._replace(messages=with_texts(sample.messages, list(decision.texts)))
        files.add(0, row["source"], line["split"] if waits else row[SPLIT], sample, line)


def _extra(curated: CuratedSet, files: MadeFiles, about: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write curation.jsonl, and a benchmark's own files, into the unfinished dataset folder."""
    places = files.places()
    lines: dict[str, dict[str, Any]] = {}
    with (folder / LINES).open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for _, row in shard_rows(folder, sorted(path.name for path in folder.glob("*.parquet"))):
            line = line_at(*places[row["id"]])
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            if curated.manifest["curation"]["kind"] == "benchmark":
                lines[row["id"]] = line
    named = write_files(folder, lines) if lines else []
    curation = {**curated.manifest["curation"], "review_waiting": 0}
    return {"files": [LINES, *named], "manifest": {"curation": curation, "review": about}}
