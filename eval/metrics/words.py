"""Word tokenization of a short answer in English or Arabic, for metrics that count words."""

from __future__ import annotations

import unicodedata

from eval.metrics.exact import normalise
from eval.metrics.vqa_tables import ARTICLES, NUMBER_WORDS

_ARABIC_NUMBERS = (
    "صفر",
    "واحد واحدة",
    "اثنان اثنين اثنتان اثنتين",
    "ثلاث ثلاثة",
    "أربع أربعة",
    "خمس خمسة",
    "ست ستة",
    "سبع سبعة",
    "ثمان ثماني ثمانية",
    "تسع تسعة",
    "عشر عشرة",
)
# "none" is not a number here: "none" and "0" answer different questions.
NUMBERS = {word: number for word, number in NUMBER_WORDS.items() if word != "none"} | {
    normalise(word): str(number) for number, spellings in enumerate(_ARABIC_NUMBERS) for word in spellings.split()
}


def words(text: str) -> list[str]:
    """Return the words after `normalise`, without English articles; digits and number words become 0-9."""
    digits = "".join(_digit(letter) for letter in normalise(text))
    return [NUMBERS.get(word, word) for word in digits.split() if word not in ARTICLES]


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)
