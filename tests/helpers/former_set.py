"""A dataset folder in the former format: rows without `generator`, a manifest without what is wrong with parents."""

import json

import pyarrow.parquet as pq

from data_prep import manifest
from data_prep.shards import write_table

FORMER = 3


def as_former(folder):
    """Rewrite the folder as a build of the former format left it, with hashes that fit."""
    path = folder / manifest.FILE_NAME
    made = json.loads(path.read_text(encoding="utf-8"))
    for name, entry in made["shards"].items():
        shard = folder / name
        write_table(pq.read_table(shard).drop_columns(["generator"]), shard)
        entry |= {"bytes": shard.stat().st_size, "sha256": manifest.sha256(shard)}
    del made["parents"]
    inputs = manifest.digest([made["inputs"], FORMER])  # the digest of the inputs covers the format
    path.write_text(json.dumps(made | {"format": FORMER, "inputs": inputs}), encoding="utf-8")
    return folder
