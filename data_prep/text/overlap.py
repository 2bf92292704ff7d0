"""Find the benchmark items that a training text contains.

By n-gram overlap, as in the GPT-3 paper (arXiv 2005.14165, appendix C), with our own n and share: an item of at least
16 words is contained if 70% of its 8-grams are in the text; an item of 5 to 15 words if all of it is in the text; any
item if it equals the text. Texts are normalised before they are compared.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from zlib import crc32

from data_prep.text.normalise import normalised

GRAM = 8
SHARE_PERCENT = 70
LONG_ITEM = 16
SHORTEST_CONTAINED = 5
_KEY = 5


class TextOverlap:
    """An index of benchmark items, small enough to pickle for each worker.

    It maps crc32 values (the same in every process, unlike `hash`) of 5-grams of words to the items that contain them.
    A long item is indexed by the first 5 words of its rarest 8-grams, more than 30% of them: a text with 70% of the
    8-grams contains at least one of those. Candidates found by the index are then compared word by word.
    """

    def __init__(self, items: Iterable[tuple[str, str, str]]) -> None:
        """`items` are (benchmark, item id, text); a text without words is never matched."""
        named = [(benchmark, item_id, normalised(text)) for benchmark, item_id, text in items]
        self._names = [(benchmark, item_id) for benchmark, item_id, _ in named]
        self._texts = [text for _, _, text in named]
        self._equal: dict[str, list[int]] = {}
        for number, text in enumerate(self._texts):
            if text:
                self._equal.setdefault(text, []).append(number)
        self._index: dict[int, tuple[int, ...]] = {}
        frequency = Counter(key for text in self._equal for key in _keys(text))
        for text, numbers in self._equal.items():
            for key in _indexed(text, frequency):
                self._index[key] = (*self._index.get(key, ()), *numbers)

    def match(self, text: str) -> list[tuple[str, str]]:
        """The items that a normalised text equals or contains, as (benchmark, item id), in the order given."""
        found = set(self._equal.get(text, ()))
        index = self._index
        candidates = {number for key in _keys(text) if key in index for number in index[key]} - found
        if candidates:
            row = _Row(text)
            found.update(number for number in candidates if row.contains(self._texts[number]))
        return [self._names[number] for number in sorted(found)]


class _Row:
    """A training text that may contain items."""

    def __init__(self, text: str) -> None:
        self._text = f" {text} "
        self._grams = set(_grams(text.split()))

    def contains(self, item: str) -> bool:
        words = item.split()
        if len(words) < LONG_ITEM:
            return f" {item} " in self._text
        grams = _grams(words)
        return 100 * sum(gram in self._grams for gram in grams) >= SHARE_PERCENT * len(grams)


def _grams(words: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(GRAM)), strict=False))


def _indexed(text: str, frequency: Counter[int]) -> list[int]:
    """The rarest keys of an item: one of a short item, more than 30% of those of a long one."""
    keys = _keys(text)
    words = len(keys) + _KEY - 1
    if words < LONG_ITEM:
        return sorted(keys, key=frequency.__getitem__)[:1]
    starts = keys[: words - GRAM + 1]
    enough = (100 - SHARE_PERCENT) * len(starts) // 100 + 1
    return list(dict.fromkeys(sorted(starts, key=frequency.__getitem__)[:enough]))


def _keys(text: str) -> list[int]:
    """The crc32 of each 5-gram of words, in order; none for fewer words."""
    data = text.encode()
    ends = list(accumulate([len(word) + 1 for word in data.split(b" ")]))
    starts = [0, *ends]
    return [crc32(data[start : end - 1]) for start, end in zip(starts, ends[_KEY - 1 :], strict=False)]
