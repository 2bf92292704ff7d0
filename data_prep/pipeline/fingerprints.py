"""Fourth stage: what tells rows apart: keys of pictures, hashes of text, what they share with benchmarks."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from data_prep.mixture import Mixture
from data_prep.pipeline import benchmarks, near, pictures, read
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import Ticker, Work, putting, run_steps

STAGE = "fingerprints"
SCHEMA = pa.schema(
    [
        ("keys", pa.list_(pa.string())),
        ("id_hash", pa.uint64()),
        ("content", pa.uint64()),
        ("order", pa.uint64()),
        ("hits", pa.list_(pa.string())),
        ("shared", pa.list_(pa.string())),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
"""One entry a row of the read stage, in its order. `content` is the hash of text and pictures, `order` the row's place
in the shuffle; `reason` is set where a picture of the row cannot be used."""

_BATCH = 1_000


def fingerprints(work: Work, slices: list[Slice], tasks: int, mixture: Mixture) -> None:
    """Fingerprint the rows of these slices; `tasks` is the number of files of the pictures stage."""
    steps: list[PipelineStep] = [Fingerprints(work, slices, tasks, mixture)]
    if mixture.duplicates.near:
        steps.append(near.signatures(work))
    run_steps(work, STAGE, steps, [part.rows for part in slices])


class Fingerprints(PipelineStep):
    """Writes the fingerprints of a slice and gives its rows' texts on, one document a row."""

    type = "bimedix2"
    name = STAGE

    def __init__(self, work: Work, slices: list[Slice], picture_tasks: int, mixture: Mixture) -> None:
        super().__init__()
        self._work = work
        self._slices = slices
        self._picture_tasks = picture_tasks
        self._mixture = mixture

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """The documents of one slice."""
        known = self._pictures(self._slices[rank].source)
        against = benchmarks.load(self._work.folder)
        file = pq.ParquetFile(self._work.path(read.STAGE, rank))
        tick = Ticker(self._work.folder, STAGE, rank)
        with putting(self._work.path(STAGE, rank)) as path, pq.ParquetWriter(path, SCHEMA, compression="lz4") as writer:
            for batch in file.iter_batches(_BATCH, columns=["id", "images", "said"]):
                rows = batch.to_pylist()
                entries = [self._entry(row, known, against) for row in rows]
                writer.write_batch(pa.RecordBatch.from_pylist(entries, schema=SCHEMA))
                tick(len(rows))
                for row, entry in zip(rows, entries, strict=True):
                    hashes = [known[name]["phash"] for name in row["images"]] if not entry["reason"] else []
                    text = " ".join(row["said"]) if not entry["reason"] else ""
                    yield Document(text=text, id=row["id"], metadata={"pictures": " ".join(hashes)})

    def _pictures(self, source: int) -> dict[str, dict[str, Any]]:
        table = pictures.index(self._work, self._picture_tasks, ["source", "name", "key", "phash", "reason", "detail"])
        return {row["name"]: row for row in table.filter(pc.equal(table["source"], source)).to_pylist()}

    def _entry(
        self, row: dict[str, Any], known: dict[str, dict[str, Any]], against: benchmarks.Benchmarks | None
    ) -> dict[str, Any]:
        found = [known[name] for name in row["images"]]
        bad = next((picture for picture in found if picture["key"] is None), None)
        keys = [picture["key"] for picture in found]
        entry = {
            "id_hash": _hash(row["id"]),
            "content": _hash("\x1f".join([*row["said"], *map(str, keys)])),
            "order": _hash(f"{self._mixture.seed} {row['id']}"),
            "reason": bad and bad["reason"],
            "detail": bad and bad["detail"],
            "keys": [] if bad else keys,
        }
        if against is None or bad:
            return entry
        hits = [f"{benchmark}\x1f{item}" for benchmark, item in against.hits(row["said"], keys)]
        shared = sorted({name for key in keys for name in against.shared.get(key, ())})
        return entry | {"hits": hits, "shared": shared}


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
