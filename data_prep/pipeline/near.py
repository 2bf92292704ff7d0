"""Near duplicates: datatrove's MinHash over the words of a row, seeded by its images, many rows at a time.

14 buckets of 8 hashes over runs of 5 words, datatrove's own setting and hash functions: texts that share 72 of 100
runs are found with even chance (1 - (1 - s^8)^14), those that share 80 with 92 in 100. Rows of fewer than 5 words have
no near duplicates. Of a bucket's 8 hashes one number of 64 bits is kept; that two differ and give one number has a
chance of 1 in 10^7 in a bucket of 1.7 million rows.
"""

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datatrove.pipeline.dedup import MinhashConfig, MinhashDedupCluster
from datatrove.utils.hashing import HashConfig

from data_prep.pipeline.stage import Work, putting, run, run_steps

SIGNATURES, ALIKE = "signatures", "near"
_CONFIG = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(64, "sha1"))
_MERSENNE_PRIME = np.uint64((1 << 61) - 1)
_EXPONENT = np.uint64(61)
_POWERS = np.array([pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(_CONFIG.hashes_per_bucket)], np.uint64)


_BLOCK = 500
"""Rows that are hashed at once: the arrays of one block stay in the processor's cache."""


def sign(texts: pa.ChunkedArray, images: list[str]) -> np.ndarray:
    """The bucket keys of the rows of a slice, from their normalised words, a blank between two, and what tells their
    images apart: uint64 numbers of shape (1 + buckets, rows), each row's number in the slice and then its keys.
    """
    words, ends = _words(texts)
    number = np.diff(ends, prepend=0) - _CONFIG.n_grams + 1
    rows = np.flatnonzero(number > 0)
    signed = np.empty((1 + _CONFIG.num_buckets, len(rows)), np.uint64)
    signed[0] = rows
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        seeds = np.fromiter((_hash(images[row]) for row in block), np.uint64, len(block))
        shingles = _shingles(words, ends[block], number[block]) ^ np.repeat(seeds, number[block])
        least = _signatures(shingles, np.cumsum(number[block]) - number[block])
        by_bucket = least.reshape(_CONFIG.num_buckets, -1, len(block))
        signed[1:, start : start + _BLOCK] = (by_bucket * _POWERS[:, None]).sum(axis=1)
    return signed


def save(work: Work, rank: int, signed: np.ndarray) -> None:
    """Keep the bucket keys of a slice for `clusters`."""
    buffer = io.BytesIO()
    np.save(buffer, signed)
    with putting(work.path(SIGNATURES, rank, "npy")) as path:
        path.write_bytes(buffer.getbuffer())  # numpy's own writing does not say that a disk is full


def clusters(work: Work, slices: int) -> np.ndarray:
    """The rows that are alike: an array of (slice, row in the slice, cluster), one line a row that has a like."""

    def task(bucket: int, tick: Callable[[int], None]) -> None:
        with putting(work.folder / ALIKE / "pairs" / f"{bucket:05d}_00.dups") as path:
            path.write_bytes(_pairs(work, slices, bucket).astype("<u4").tobytes())

    run(work, ALIKE, task, [1] * _CONFIG.num_buckets, "buckets of near duplicates")
    pairs, found_in = str(work.folder / ALIKE / "pairs"), work.folder / "clusters"
    cluster = MinhashDedupCluster(pairs, str(found_in), config=_CONFIG, save_cluster_id=True)
    with redirect_stderr(io.StringIO()):  # a bar of its own
        run_steps(work, "clustering", [cluster], [1], "tasks")
    found = [np.empty((0, 3), np.int64)]
    for rank in range(slices):
        path = found_in / f"{rank:06d}.clusters"
        if path.exists():
            lines = np.fromfile(path, "<u4").reshape(-1, 2).astype(np.int64)
            found.append(np.column_stack([np.full(len(lines), rank), lines]))
    return np.concatenate(found)


def _pairs(work: Work, slices: int, bucket: int) -> np.ndarray:
    """(slice, row, slice, row) for each two rows that follow each other in the order of the keys and share one."""
    kept = [np.load(work.path(SIGNATURES, rank, "npy"), mmap_mode="r")[[0, 1 + bucket]] for rank in range(slices)]
    row, key = np.hstack(kept)
    place = np.stack([np.repeat(np.arange(slices), [part.shape[1] for part in kept]), row.astype(np.int64)])
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    return np.hstack([place[:, order[same]].T, place[:, order[same + 1]].T])


def _words(texts: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all words, one row after the other, and where each row ends."""
    split = pc.split_pattern(texts, " ").combine_chunks()
    coded = split.flatten().dictionary_encode()
    known = np.fromiter(map(_hash, coded.dictionary.to_pylist()), np.uint64, len(coded.dictionary))
    return known[coded.indices.to_numpy()], np.cumsum(pc.list_value_length(split).to_numpy())


def _shingles(words: np.ndarray, ends: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The hashes of the runs of 5 words of rows that follow each other, one row after the other.

    `ends` is where in `words` each row ends, `number` how many runs it has. A run's hash is a polynomial in the words'.
    """
    first = ends - number - _CONFIG.n_grams + 1
    words = words[first[0] : ends[-1]]
    runs = np.zeros(len(words) - _CONFIG.n_grams + 1, np.uint64)  # those over the end of a row among them
    for at in range(_CONFIG.n_grams):
        runs += words[at : at + len(runs)] * _POWERS[at]
    starts = np.cumsum(number) - number
    return runs[np.arange(number.sum()) + np.repeat(first - first[0] - starts, number)]


def _signatures(shingles: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The least value of each of datatrove's hash functions: shape (functions, rows).

    A function is (a x + b) mod 2^64 mod p, with the Mersenne prime p = 2^61 - 1: the remainder is the sum of the upper
    3 bits and the lower 61, less p where that is p or more.
    """
    a, b = _functions()
    least = np.empty((len(a), len(starts)), np.uint64)
    value, other = np.empty_like(shingles), np.empty_like(shingles)
    for number in range(len(a)):
        np.multiply(shingles, a[number], out=value)
        value += b[number]
        np.right_shift(value, _EXPONENT, out=other)
        value &= _MERSENNE_PRIME
        value += other
        np.subtract(value, _MERSENNE_PRIME, out=other)  # wraps round to more than `value` where that is less than p
        np.minimum(value, other, out=value)
        np.minimum.reduceat(value, starts, out=least[number])
    return least


@lru_cache(maxsize=1)
def _functions() -> tuple[np.ndarray, np.ndarray]:
    """The a and the b of each function, drawn as datatrove draws them."""
    draw, number = np.random.RandomState(_CONFIG.seed), _CONFIG.num_buckets * _CONFIG.hashes_per_bucket
    a = draw.randint(1, int(_MERSENNE_PRIME), dtype=np.uint64, size=number)
    return a, draw.randint(0, int(_MERSENNE_PRIME), dtype=np.uint64, size=number)


@lru_cache(maxsize=1 << 18)
def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
