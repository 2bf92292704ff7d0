"""MinHash of many rows at once is datatrove's MinHash of one row at a time."""

import struct
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.utils.word_tokenizers import WhitespaceTokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.pipeline import minhash
from data_prep.pipeline.stage import BuildFolder

words = st.lists(st.sampled_from(["a", "an", "heart", "lung", "قلب", "رئة", "x", "5"]), max_size=14)
rows = st.lists(st.tuples(words.map(" ".join), st.sampled_from(["", "00ff", "00ff 11ee"])), min_size=1, max_size=12)


class OneByOne(MinhashDedupSignature):
    """datatrove's own step, with this project's shingles of one row."""

    def get_shingles(self, text):
        images, _, said = text.partition("\x1f")
        hashes = [minhash._hash(word) for word in said.split(" ")]
        runs = [
            sum(word * int(power) for word, power in zip(hashes[at : at + 5], minhash._POWERS, strict=False))
            % (1 << 64)
            for at in range(len(hashes) - 4)
        ]
        return np.array([run ^ minhash._hash(images) for run in runs], np.uint64).reshape(-1, 1)


def by_datatrove(folder, slices):
    """The groups of rows that are alike, by datatrove's three steps."""
    for rank, part in enumerate(slices):
        step = OneByOne(str(folder / "s"), minhash._CONFIG, WhitespaceTokenizer())
        step.run((Document(text=f"{images}\x1f{text}", id="") for text, images in part), rank)
    for bucket in range(minhash._CONFIG.num_buckets):
        MinhashDedupBuckets(str(folder / "s"), str(folder / "b"), config=minhash._CONFIG).run(None, bucket, 14)
    MinhashDedupCluster(str(folder / "b"), str(folder / "c"), config=minhash._CONFIG, save_cluster_id=True).run()
    found = []
    for path in sorted((folder / "c").glob("*.clusters")):
        found += [(int(path.name[:6]), *pair) for pair in struct.iter_unpack("<2I", path.read_bytes())]
    return groups(found)


def groups(lines):
    by_cluster = {}
    for rank, row, cluster in lines:
        by_cluster.setdefault(cluster, set()).add((int(rank), int(row)))
    return {frozenset(group) for group in by_cluster.values()}


def by_blocks(folder, slices):
    workdir = BuildFolder(folder, 1)
    for rank, part in enumerate(slices):
        texts, images = zip(*part, strict=True)
        minhash.save(workdir, rank, minhash.sign(pa.chunked_array([texts[:2], texts[2:]], pa.string()), list(images)))
    return groups(minhash.clusters(workdir, len(slices)).tolist())


@settings(max_examples=12, deadline=None)
@given(st.lists(rows, min_size=1, max_size=3), st.integers(1, 5))
def test_the_same_rows_are_alike_as_by_datatrove(tmp_path_factory, slices, size):
    first = slices[0][0]
    slices[-1].append((first[0] + " more", first[1]))
    folder = tmp_path_factory.mktemp("near")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minhash, "_BLOCK", size)
        ours = by_blocks(folder / "ours", slices)
    assert ours == by_datatrove(folder / "theirs", slices)


@pytest.mark.parametrize("value", [0, (1 << 61) - 2, (1 << 61) - 1, (1 << 64) - 1])
def test_the_remainder_by_the_mersenne_prime(value, monkeypatch):
    one = np.array([1], np.uint64)
    monkeypatch.setattr(minhash, "_functions", lambda: (one, np.zeros(1, np.uint64)))
    shingles = np.array([value], np.uint64)
    assert minhash._signatures(shingles, np.array([0]))[0, 0] == value % ((1 << 61) - 1)


def test_hash_functions_are_datatroves():
    a, b = minhash._functions()
    theirs = MinhashDedupSignature("unused", minhash._CONFIG, WhitespaceTokenizer()).parameters
    assert (a == theirs[0]).all() and (b == theirs[1]).all()


def test_a_full_disk_is_told_as_such(monkeypatch, tmp_path):
    """numpy's own writing raises an OSError without a number, which no message can be made of."""
    monkeypatch.setattr(minhash, "atomic_write", lambda _: nullcontext(Path("/dev/full")))
    with pytest.raises(OSError, match="No space left"):
        minhash.save(BuildFolder(tmp_path, 1), 0, np.zeros((15, 9_000), np.uint64))
