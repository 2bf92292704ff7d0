"""Find the rows of a batch that need checking and repair one by one; the others would pass every check unchanged.

A text needs checks unless it is plain: printable ASCII without `&`, `<` and `[`, or letters, vowel marks, digits and
punctuation of everyday Arabic, without any cue of a check. The patterns are for RE2, which scans a batch at about a
nanosecond per character. Too many rows cost time, too few would let errors through: the tests prove for each check that
whatever it finds or changes is selected here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.rows import LANGUAGES
from data_prep.text import identity_names, identity_numbers, leak, refusal
from data_prep.text.language import ENOUGH, ONLY_ARABIC
from data_prep.text.parts import Parts

# Of U+0600 to U+067F plain text has the letters U+0621 to U+064A and these signs, digits and vowel marks.
_NOT_LETTER = "\u060c\u061b\u061f\u0660-\u066c\u064b-\u0652\u0670"
_NOT_PLAIN = "|".join(
    [
        f"[^\n -%'-;=-Z\\\\-~{_NOT_LETTER}\u0621-\u064a]",
        r" \n|^\s|\s$|^$",  # blanks that cleaning removes, and texts that it empties
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
"""The UTF-8 lead bytes of Arabic letters, decoded as Windows-1256: a quarter of such a text."""


@dataclass
class _Texts:
    """The texts of `rows` rows: for each its row, whether it is an answer, and whether the row has images."""

    rows: int
    text: pa.Array
    row: np.ndarray
    is_answer: np.ndarray
    has_image: np.ndarray

    @classmethod
    def of(cls, parts: Parts) -> "_Texts":
        """The parts that are texts, "" for null."""
        is_text = pc.equal(parts.types, "text")
        turn = parts.turn[is_text.to_numpy(zero_copy_only=False)]
        is_answer = pc.equal(parts.roles, "assistant").to_numpy(zero_copy_only=False)
        has_image = np.fromiter((bool(sample.images) for sample in parts.samples), bool, len(parts.samples))
        row = parts.row[turn]
        text = parts.text.filter(is_text).fill_null("")
        return cls(len(parts.samples), text, row, is_answer[turn], has_image[row])

    def has(self, pattern: str, among: np.ndarray) -> np.ndarray:
        """Whether each text is in the mask `among` and matches an RE2 pattern."""
        return self.count(pattern, among, pc.match_substring_regex) > 0

    def count(
        self, pattern: str, among: np.ndarray, count: Callable[..., pa.Array] = pc.count_substring_regex
    ) -> np.ndarray:
        """The number of matches in each text; 0 for texts outside the mask."""
        counts = np.zeros(len(self.text), np.int64)
        counts[among] = count(self.text.filter(pa.array(among)), pattern).to_numpy(zero_copy_only=False)
        return counts

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum over the texts of each row."""
        return np.bincount(self.row, values, self.rows)


def needs_checks(parts: Parts) -> np.ndarray:
    """For each row, whether it needs the checks: booleans of shape (rows,)."""
    texts = _Texts.of(parts)
    every = np.ones(len(texts.text), bool)
    is_ascii = pc.string_is_ascii(texts.text).to_numpy(zero_copy_only=False)
    length = pc.utf8_length(texts.text).to_numpy()
    found = texts.has(_NOT_PLAIN, every) | (4 * texts.count(_LEAD, ~is_ascii) >= length)
    found |= texts.has(_REFUSAL, texts.is_answer) | texts.has(_LEAK, texts.is_answer & texts.has_image)
    digits = texts.sum(texts.count(_DIGIT, every))
    labels = texts.sum(texts.has(_LABEL, digits[texts.row] > 1))
    language = np.array([sample.language for sample in parts.samples])
    right = np.where(language == "ar", _surely_arabic(texts, length, is_ascii), texts.sum(~is_ascii) == 0)
    needed = (texts.sum(found) > 0) | (labels > 0) | (digits >= identity_numbers.UNLABELLED_DIGITS)
    return needed | ~right | ~np.isin(language, LANGUAGES)


def _surely_arabic(texts: _Texts, length: np.ndarray, is_ascii: np.ndarray) -> np.ndarray:
    """Whether the plain answers of each row have 20% Arabic letters and a letter that Persian and Urdu lack.

    Non-ASCII characters of plain text take two bytes, so the byte length gives their number.
    """
    answers = texts.is_answer & ~is_ascii
    letters = pc.binary_length(texts.text).to_numpy() - length - texts.count(f"[{_NOT_LETTER}]", answers)
    enough = texts.sum(answers * letters) >= ENOUGH * texts.sum(texts.is_answer * (length + 1))
    return enough & (texts.sum(texts.has(ONLY_ARABIC.pattern, answers)) > 0)
