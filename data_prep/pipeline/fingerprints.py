"""Fourth stage: fingerprint each row: keys of its images, hash of its content, and what it shares with benchmarks."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_prep.mixture import Mixture
from data_prep.pipeline import benchmark_overlap, conflicts, load_images, minhash, read_rows, stage
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder, run

STAGE = "fingerprints"
SCHEMA = pa.schema(
    [
        ("keys", pa.list_(pa.string())),
        ("content", pa.uint64()),
        ("question", pa.uint64()),
        ("answer", pa.uint64()),
        ("order", pa.uint64()),
        ("hits", pa.list_(pa.string())),
        ("shared", pa.list_(pa.string())),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
"""One entry for each row of the read stage, in its order. `content` is the hash of text and images, or 0 if exact
duplicates stay. `question` and `answer` are the hashes by which conflicting answers are found. `order` is the hash of
seed and id, which decides the row's position in the shuffle. `reason` is set if an image of the row cannot be used."""

_BATCH = 1_000


def compute(workdir: BuildFolder, slices: list[Slice], tasks: int, mixture: Mixture) -> None:
    """Fingerprint the rows of these slices; `tasks` is the number of tasks of the images stage."""

    def task(rank: int, advance: Callable[[int], None]) -> None:
        rows = stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), ["id", "language", "images", "normalised"])
        known = _index_entries(workdir, tasks, slices[rank].source, pc.list_flatten(rows["images"]))
        against = benchmark_overlap.load(workdir.folder)
        seeds: list[str] = []
        reasons: list[pa.Array] = []
        with stage.writing(workdir.path(STAGE, rank, "arrow"), SCHEMA) as writer:
            for batch in rows.to_batches(_BATCH):
                found = [[known[name] for name in names] for names in batch["images"].to_pylist()]
                made = _entries(batch, found, mixture, against)
                writer.write_batch(made)
                if mixture.duplicates.near:
                    seeds += [" ".join([str(one["phash"]) for one in row]) for row in found]
                    reasons.append(made["reason"])
                advance(len(found))
        if mixture.duplicates.near:
            usable = pc.is_null(pa.chunked_array(reasons, pa.string()))
            texts = pc.if_else(usable, pc.binary_join(rows["normalised"], " "), "")
            minhash.save(workdir, rank, minhash.sign(texts, seeds))

    run(workdir, STAGE, task, [part.rows for part in slices])


def _index_entries(workdir: BuildFolder, tasks: int, source: int, names: pa.ChunkedArray) -> dict[str, dict[str, Any]]:
    """The index entries of the images of a source with these names."""
    mine = load_images.index(workdir, tasks, ["name", "key", "phash", "reason", "detail"], source, names)
    return {row["name"]: row for row in mine.to_pylist()}


def _entries(
    batch: pa.RecordBatch,
    found: list[list[dict[str, Any]]],
    mixture: Mixture,
    against: benchmark_overlap.Benchmarks | None,
) -> pa.RecordBatch:
    """The entries of a batch of rows; `found` holds the index entries of each row's images."""
    bad = [next((image for image in row if image["key"] is None), {}) for row in found]
    keys = [[image["key"] for image in row] for row in found]
    content = [0] * len(found)
    if mixture.duplicates.exact:
        texts = pc.binary_join(batch["normalised"], "\x1f").to_pylist()
        content = [_hash("\x1f".join([text, *map(str, row)])) for text, row in zip(texts, keys, strict=True)]
    usable = [[] if why else row for why, row in zip(bad, keys, strict=True)]
    turns = batch["normalised"].to_pylist()
    asked = [conflicts.asked(*row) for row in zip(turns, usable, batch["language"].to_pylist(), strict=True)]
    columns = {
        "keys": usable,
        "content": content,
        "question": [row.question for row in asked],
        "answer": [row.answer for row in asked],
        "order": [_hash(f"{mixture.seed} {row_id}") for row_id in batch["id"].to_pylist()],
        "reason": [why.get("reason") for why in bad],
        "detail": [why.get("detail") for why in bad],
        "hits": [None] * len(found),
        "shared": [None] * len(found),
    }
    if against is not None:
        compared = [[] if why else row for why, row in zip(bad, turns, strict=True)]
        columns["hits"] = [_hits(against, *row) for row in zip(compared, usable, strict=True)]
        columns["shared"] = [sorted({name for key in row for name in against.shared.get(key, ())}) for row in usable]
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def _hits(against: benchmark_overlap.Benchmarks, turns: list[str], keys: list[str]) -> list[str]:
    """The benchmark items that a row contains."""
    return [f"{benchmark}\x1f{item}" for benchmark, item in against.hits(turns, keys)]


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
