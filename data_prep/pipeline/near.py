"""Near duplicates: datatrove's MinHash on disk, over the words of a row seeded by the hash of its pictures.

14 buckets of 8 hashes over runs of 5 words, datatrove's own setting: texts that share 72 of 100 runs are found with
even chance (1 - (1 - s^8)^14), those that share 80 with 92 in 100. Rows of fewer than 5 words have no near duplicates.
"""

import io
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer

from data_prep.pipeline.stage import Work, run_steps

_CONFIG = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(64, "sha1"))


_MERSENNE_PRIME = np.uint64((1 << 61) - 1)
_POWERS = np.array([pow(0x9E3779B97F4A7C15, power, 1 << 64) for power in range(_CONFIG.n_grams)], np.uint64)


@lru_cache(maxsize=1 << 18)
def _word_hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest())


class _Blanks(WordTokenizer):
    """The texts are normalised already: words stand between blanks."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


class _Signatures(MinhashDedupSignature):
    """datatrove's first step, with shingles that hold the pictures too, so that only rows on one picture are alike."""

    def get_shingles(self, text: str) -> np.ndarray:
        """One hash for each run of words: a polynomial in the words' hashes, seeded by the pictures' hash."""
        pictures, _, said = text.partition("\x1f")
        words = np.fromiter(map(_word_hash, said.split(" ")), np.uint64)
        if len(words) < self.config.n_grams:
            return np.empty((0, 1), np.uint64)
        number = len(words) - self.config.n_grams + 1
        runs = sum((words[at : at + number] * power for at, power in enumerate(_POWERS)), np.zeros(number, np.uint64))
        return (runs ^ np.uint64(_word_hash(pictures))).reshape(-1, 1)

    def get_signature(self, shingles: np.ndarray) -> list[list[int]]:
        """The least of each hash function's values, 8 to a bucket."""
        a, b = self.parameters
        least = ((shingles * a + b) % _MERSENNE_PRIME).min(axis=0)
        return least.reshape(self.config.num_buckets, self.config.hashes_per_bucket).tolist()

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        super().run(_seeded(data), rank, world_size)


def _seeded(data: Iterator[Document]) -> Iterator[Document]:
    for document in data:
        document.text = f"{document.metadata['pictures']}\x1f{document.text}"
        yield document


def signatures(work: Work) -> PipelineStep:
    """The step that writes the signatures of a slice's documents."""
    return _Signatures(str(work.folder / "signatures"), _CONFIG, language=_Blanks())


def clusters(work: Work, slices: int) -> np.ndarray:
    """The rows that are alike: an array of (slice, row in the slice, cluster), one line a row that has a like."""
    buckets = MinhashDedupBuckets(str(work.folder / "signatures"), str(work.folder / "alike"), config=_CONFIG)
    run_steps(work, "near", [buckets], [1] * _CONFIG.num_buckets, "buckets of near duplicates")
    cluster = MinhashDedupCluster(
        str(work.folder / "alike"), str(work.folder / "clusters"), config=_CONFIG, save_cluster_id=True
    )
    with redirect_stderr(io.StringIO()):  # a bar of its own
        run_steps(work, "clustering", [cluster], [1], "tasks")
    found = [np.empty((0, 3), np.int64)]
    for rank in range(slices):
        path = work.folder / "clusters" / f"{rank:06d}.clusters"
        if path.exists():
            pairs = np.fromfile(path, "<u4").reshape(-1, 2).astype(np.int64)
            found.append(np.column_stack([np.full(len(pairs), rank), pairs]))
    return np.concatenate(found)
