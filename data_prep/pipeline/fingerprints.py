"""Fourth stage: what tells rows apart: keys of images, hashes of text, what they share with benchmarks."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_prep.mixture import Mixture
from data_prep.pipeline import benchmarks, between, load_images, near, read
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Work, putting, run

STAGE = "fingerprints"
SCHEMA = pa.schema(
    [
        ("keys", pa.list_(pa.string())),
        ("content", pa.uint64()),
        ("order", pa.uint64()),
        ("hits", pa.list_(pa.string())),
        ("shared", pa.list_(pa.string())),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
"""One entry a row of the read stage, in its order. `order` is the hash of seed and id, and so the row's place in the
shuffle; `content` the hash of text and images, 0 where nobody asks; `reason` is set where an image of the row cannot
be used."""

_BATCH = 1_000


def fingerprints(work: Work, slices: list[Slice], tasks: int, mixture: Mixture) -> None:
    """Fingerprint the rows of these slices; `tasks` is the number of files of the images stage."""

    def task(rank: int, tick: Callable[[int], None]) -> None:
        rows = between.table(work.path(read.STAGE, rank, "arrow"), ["id", "images", "said"])
        known = _known(work, tasks, slices[rank].source, pc.list_flatten(rows["images"]))
        against = benchmarks.load(work.folder)
        seeds: list[str] = []
        reasons: list[pa.Array] = []
        with putting(work.path(STAGE, rank, "arrow")) as path, between.writing(path, SCHEMA) as writer:
            for batch in rows.to_batches(_BATCH):
                found = [[known[name] for name in names] for names in batch["images"].to_pylist()]
                made = _entries(batch, found, mixture, against)
                writer.write_batch(made)
                if mixture.duplicates.near:
                    seeds += [" ".join([str(one["phash"]) for one in row]) for row in found]
                    reasons.append(made["reason"])
                tick(len(found))
        if mixture.duplicates.near:
            usable = pc.is_null(pa.chunked_array(reasons, pa.string()))
            texts = pc.if_else(usable, pc.binary_join(rows["said"], " "), "")
            near.save(work, rank, near.sign(texts, seeds))

    run(work, STAGE, task, [part.rows for part in slices])


def _known(work: Work, tasks: int, source: int, names: pa.ChunkedArray) -> dict[str, dict[str, Any]]:
    """What is known of the images of a source that have these names."""
    table = load_images.index(work, tasks, ["source", "name", "key", "phash", "reason", "detail"])
    mine = table.filter(pc.and_(pc.equal(table["source"], source), pc.is_in(table["name"], names)))
    return {row["name"]: row for row in mine.to_pylist()}


def _entries(
    batch: pa.RecordBatch,
    found: list[list[dict[str, Any]]],
    mixture: Mixture,
    against: benchmarks.Benchmarks | None,
) -> pa.RecordBatch:
    """The entries of some rows; `found` is what is known of each one's images."""
    bad = [next((image for image in row if image["key"] is None), {}) for row in found]
    keys = [[image["key"] for image in row] for row in found]
    content = [0] * len(found)
    if mixture.duplicates.exact:
        texts = pc.binary_join(batch["said"], "\x1f").to_pylist()
        content = [_hash("\x1f".join([text, *map(str, row)])) for text, row in zip(texts, keys, strict=True)]
    usable = [[] if why else row for why, row in zip(bad, keys, strict=True)]
    columns = {
        "keys": usable,
        "content": content,
        "order": [_hash(f"{mixture.seed} {row_id}") for row_id in batch["id"].to_pylist()],
        "reason": [why.get("reason") for why in bad],
        "detail": [why.get("detail") for why in bad],
        "hits": [None] * len(found),
        "shared": [None] * len(found),
    }
    if against is not None:
        said = [[] if why else row for why, row in zip(bad, batch["said"].to_pylist(), strict=True)]
        columns["hits"] = [_hits(against, *row) for row in zip(said, usable, strict=True)]
        columns["shared"] = [sorted({name for key in row for name in against.shared.get(key, ())}) for row in usable]
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def _hits(against: benchmarks.Benchmarks, said: list[str], keys: list[str]) -> list[str]:
    """The items of benchmarks that a row holds."""
    return [f"{benchmark}\x1f{item}" for benchmark, item in against.hits(said, keys)]


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
