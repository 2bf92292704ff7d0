"""Exact match after light normalisation, including Arabic spelling. This is our own metric, not MultiMedEval's."""

from __future__ import annotations

import unicodedata

TATWEEL = "\u0640"
# Spelling variants that Arabic writers use interchangeably; unified for comparison only.
LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه"})


def normalise(text: str) -> str:
    """Normalise a text for comparison.

    NFKC and case folding; Arabic diacritics and tatweel are removed; alef, yeh and teh marbuta variants are unified;
    punctuation of any script becomes a space; spaces collapse.
    """
    text = unicodedata.normalize("NFKC", text).casefold().translate(LETTERS)
    return " ".join("".join(_fold(letter) for letter in without_marks(text)).split())


def without_marks(text: str) -> str:
    """Remove Arabic diacritics and tatweel, which are optional in writing."""
    return "".join(letter for letter in text if letter != TATWEEL and not _is_arabic_mark(letter))


def exact(prediction: str, gold: str) -> bool:
    """Tell whether two answers are equal after `normalise`."""
    return normalise(prediction) == normalise(gold)


def exact_value(prediction: str, gold: str) -> bool | None:
    """Return `exact` as a metric's value; None for a reference of punctuation alone, which nothing can match."""
    return exact(prediction, gold) if normalise(gold) else None


def _fold(letter: str) -> str:
    return " " if unicodedata.category(letter).startswith("P") else letter


def _is_arabic_mark(letter: str) -> bool:
    return unicodedata.category(letter) == "Mn" and "ARABIC" in unicodedata.name(letter, "")
