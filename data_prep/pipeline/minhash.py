"""Near duplicates by datatrove's MinHash over the words of a row, seeded by its images, vectorised over rows.

14 buckets of 8 hashes over 5-grams of words, datatrove's defaults and hash functions: texts that share 72% of their
5-grams are found with a probability of 50% (1 - (1 - s^8)^14), those that share 80% with 92%. Rows of fewer than 5
words have no near duplicates. The 8 hashes of a bucket are combined into one 64-bit key; the probability of a false
match is 10^-7 in a bucket of 1.7 million rows.
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

from data_prep.atomic import atomic_write
from data_prep.pipeline.stage import BuildFolder, run, run_steps

SIGNATURES, STAGE = "signatures", "near"
_CONFIG = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(64, "sha1"))
_MERSENNE_PRIME = np.uint64((1 << 61) - 1)
_EXPONENT = np.uint64(61)
_POWERS = np.array([pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(_CONFIG.hashes_per_bucket)], np.uint64)


_BLOCK = 500
"""Rows hashed at once: the arrays of one block stay in the CPU cache."""


def sign(texts: pa.ChunkedArray, images: list[str]) -> np.ndarray:
    """The bucket keys of the rows of a slice: uint64, shape (1 + buckets, rows), the row's index first.

    Args:
        texts: the normalised words of each row, separated by blanks.
        images: the perceptual hashes of each row's images as one string, by which rows on other images differ.
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
        minima = _signatures(shingles, np.cumsum(number[block]) - number[block])
        by_bucket = minima.reshape(_CONFIG.num_buckets, -1, len(block))
        signed[1:, start : start + _BLOCK] = (by_bucket * _POWERS[:, None]).sum(axis=1)
    return signed


def save(workdir: BuildFolder, rank: int, signed: np.ndarray) -> None:
    """Write the bucket keys of a slice for `clusters`."""
    buffer = io.BytesIO()
    np.save(buffer, signed)
    with atomic_write(workdir.path(SIGNATURES, rank, "npy")) as path:
        path.write_bytes(buffer.getbuffer())  # numpy's own writer does not report a full disk


def clusters(workdir: BuildFolder, slices: int) -> np.ndarray:
    """The near duplicates: an array of (slice, row in the slice, cluster), one line for each row in a cluster."""

    def task(bucket: int, advance: Callable[[int], None]) -> None:
        with atomic_write(workdir.folder / STAGE / "pairs" / f"{bucket:05d}_00.dups") as path:
            path.write_bytes(_pairs(workdir, slices, bucket).astype("<u4").tobytes())

    run(workdir, STAGE, task, [1] * _CONFIG.num_buckets, "buckets of near duplicates")
    pairs, found_in = str(workdir.folder / STAGE / "pairs"), workdir.folder / "clusters"
    cluster = MinhashDedupCluster(pairs, str(found_in), config=_CONFIG, save_cluster_id=True)
    with redirect_stderr(io.StringIO()):  # datatrove's own progress bar
        run_steps(workdir, "clustering", [cluster], [1], "tasks")
    found = [np.empty((0, 3), np.int64)]
    for rank in range(slices):
        path = found_in / f"{rank:06d}.clusters"
        if path.exists():
            lines = np.fromfile(path, "<u4").reshape(-1, 2).astype(np.int64)
            found.append(np.column_stack([np.full(len(lines), rank), lines]))
    return np.concatenate(found)


def _pairs(workdir: BuildFolder, slices: int, bucket: int) -> np.ndarray:
    """(slice, row, slice, row) for each two rows that are adjacent in the order of the keys and share a key."""
    kept = [np.load(workdir.path(SIGNATURES, rank, "npy"), mmap_mode="r")[[0, 1 + bucket]] for rank in range(slices)]
    row, key = np.hstack(kept)
    place = np.stack([np.repeat(np.arange(slices), [part.shape[1] for part in kept]), row.astype(np.int64)])
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    return np.hstack([place[:, order[same]].T, place[:, order[same + 1]].T])


def _words(texts: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all words, concatenated over the rows, and the end of each row."""
    split = pc.split_pattern(texts, " ").combine_chunks()
    coded = split.flatten().dictionary_encode()
    known = np.fromiter(map(_hash, coded.dictionary.to_pylist()), np.uint64, len(coded.dictionary))
    return known[coded.indices.to_numpy()], np.cumsum(pc.list_value_length(split).to_numpy())


def _shingles(words: np.ndarray, ends: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The hashes of the 5-grams of consecutive rows, concatenated; each is a polynomial in the hashes of its words.

    `ends` is the end of each row in `words`, `number` its number of 5-grams.
    """
    first = ends - number - _CONFIG.n_grams + 1
    words = words[first[0] : ends[-1]]
    runs = np.zeros(len(words) - _CONFIG.n_grams + 1, np.uint64)  # includes those across the end of a row
    for at in range(_CONFIG.n_grams):
        runs += words[at : at + len(runs)] * _POWERS[at]
    starts = np.cumsum(number) - number
    return runs[np.arange(number.sum()) + np.repeat(first - first[0] - starts, number)]


def _signatures(shingles: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The minimum of each of datatrove's hash functions: shape (functions, rows).

    A function is (a x + b) mod 2^64 mod p, with the Mersenne prime p = 2^61 - 1: the remainder is the sum of the upper
    3 bits and the lower 61, minus p if that is p or more.
    """
    a, b = _functions()
    minima = np.empty((len(a), len(starts)), np.uint64)
    value, other = np.empty_like(shingles), np.empty_like(shingles)
    for number in range(len(a)):
        np.multiply(shingles, a[number], out=value)
        value += b[number]
        np.right_shift(value, _EXPONENT, out=other)
        value &= _MERSENNE_PRIME
        value += other
        np.subtract(value, _MERSENNE_PRIME, out=other)  # wraps around to more than `value` if that is less than p
        np.minimum(value, other, out=value)
        np.minimum.reduceat(value, starts, out=minima[number])
    return minima


@lru_cache(maxsize=1)
def _functions() -> tuple[np.ndarray, np.ndarray]:
    """The a and b of each function, drawn in the way that datatrove draws them."""
    draw, number = np.random.RandomState(_CONFIG.seed), _CONFIG.num_buckets * _CONFIG.hashes_per_bucket
    a = draw.randint(1, int(_MERSENNE_PRIME), dtype=np.uint64, size=number)
    return a, draw.randint(0, int(_MERSENNE_PRIME), dtype=np.uint64, size=number)


@lru_cache(maxsize=1 << 18)
def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
