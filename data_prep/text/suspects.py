"""Which rows of a batch the checks must look at one by one; the others pass all of them and stay as they are.

A text is looked at unless it is plain: printable ASCII without `&`, `<` and `[`, or letters, vowel marks, digits and
punctuation of everyday Arabic, and nothing in it that any check begins with. Patterns are for RE2, which reads a batch
at about a nanosecond a character. Looking at too many rows costs time, at too few would let faults through: the tests
prove for each check that what it finds or changes is looked at.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.rows import LANGUAGES, Sample
from data_prep.text import identity_names, identity_numbers, leak, refusal
from data_prep.text.language import ENOUGH, ONLY_ARABIC

# Of U+0600 to U+067F plain text has the letters U+0621 to U+064A and these signs, digits and vowel marks.
_NOT_LETTER = "\u060c\u061b\u061f\u0660-\u066c\u064b-\u0652\u0670"
_NOT_PLAIN = "|".join(
    [
        f"[^\n -%'-;=-Z\\\\-~{_NOT_LETTER}\u0621-\u064a]",
        r" \n|^\s|\s$|^$",  # blanks that cleaning takes away, and texts of which it leaves nothing
        r"\?\? \?\?",
        "@",
        identity_names.HINT,
    ]
)
_LABEL = f"(?i:{identity_numbers.HINT})"
_REFUSAL = f"(?i:{'|'.join(map(re.escape, refusal.CUES))})"
_LEAK = f"(?i:{'|'.join(map(re.escape, leak.CUES))})"
_DIGIT = "[0-9٠-٩]"
_LEAD = "[طظ]"
"""The first bytes of Arabic letters in UTF-8, read as Windows-1256: a quarter of such a text."""


@dataclass
class _Texts:
    """The texts of `rows` rows: the number of each one's row, whether it is an answer, and whether it has an image."""

    rows: int
    text: pa.Array
    row: np.ndarray
    is_answer: np.ndarray
    has_image: np.ndarray

    def has(self, pattern: str, among: np.ndarray) -> np.ndarray:
        """Whether a text is `among` those that are asked about and has a match of an RE2 pattern."""
        return self.count(pattern, among, pc.match_substring_regex) > 0

    def count(
        self, pattern: str, among: np.ndarray, count: Callable[..., pa.Array] = pc.count_substring_regex
    ) -> np.ndarray:
        """How many matches each text has; 0 for those that are not asked about."""
        counts = np.zeros(len(self.text), np.int64)
        counts[among] = count(self.text.filter(pa.array(among)), pattern).to_numpy(zero_copy_only=False)
        return counts

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum of the texts' values for each row."""
        return np.bincount(self.row, values, self.rows)


def suspects(samples: list[Sample]) -> np.ndarray:
    """For each sample, whether it must be looked at: booleans of shape (samples,)."""
    try:
        texts = _texts(samples)
    except UnicodeEncodeError:  # a lone surrogate
        return np.ones(len(samples), bool)
    every = np.ones(len(texts.text), bool)
    is_ascii = pc.string_is_ascii(texts.text).to_numpy(zero_copy_only=False)
    length = pc.utf8_length(texts.text).to_numpy()
    found = texts.has(_NOT_PLAIN, every) | (4 * texts.count(_LEAD, ~is_ascii) >= length)
    found |= texts.has(_REFUSAL, texts.is_answer) | texts.has(_LEAK, texts.is_answer & texts.has_image)
    digits = texts.sum(texts.count(_DIGIT, every))
    labels = texts.sum(texts.has(_LABEL, digits[texts.row] > 1))
    language = np.array([sample.language for sample in samples])
    right = np.where(language == "ar", _surely_arabic(texts, length, is_ascii), texts.sum(~is_ascii) == 0)
    looked_at = (texts.sum(found) > 0) | (labels > 0) | (digits >= identity_numbers.UNLABELLED_DIGITS)
    return looked_at | ~right | ~np.isin(language, LANGUAGES)


def _texts(samples: list[Sample]) -> _Texts:
    text, row, is_answer, has_image = [], [], [], []
    for number, sample in enumerate(samples):
        for message in sample.messages:
            for part in message["content"]:
                if part["type"] == "text":
                    text.append(part.get("text") or "")
                    row.append(number)
                    is_answer.append(message["role"] == "assistant")
                    has_image.append(bool(sample.images))
    flags = np.array(is_answer, bool), np.array(has_image, bool)
    return _Texts(len(samples), pa.array(text, pa.string()), np.array(row, np.int64), *flags)


def _surely_arabic(texts: _Texts, length: np.ndarray, is_ascii: np.ndarray) -> np.ndarray:
    """Whether the answers of each row, all plain, have a fifth of Arabic letters and one that Persian and Urdu lack.

    The characters of plain text that are not ASCII take two bytes, so that the bytes tell how many there are.
    """
    told = texts.is_answer & ~is_ascii
    letters = pc.binary_length(texts.text).to_numpy() - length - texts.count(f"[{_NOT_LETTER}]", told)
    enough = texts.sum(told * letters) >= ENOUGH * texts.sum(texts.is_answer * (length + 1))
    return enough & (texts.sum(texts.has(ONLY_ARABIC.pattern, told)) > 0)
