"""One text against one reference: exact match after light normalisation, BLEU and ROUGE-L.

Exact match, with Arabic spelling unified, is our own metric, not MultiMedEval's. BLEU (Papineni et al., 2002) equals
torchmetrics' without smoothing. ROUGE-L (Lin, 2004) is rouge-score's: `rouge_l_ascii` with its own tokenizer, which
drops everything but a-z and 0-9, so that identical Arabic texts score 0, as in torchmetrics (`rougeL_fmeasure`, without
stemming) and MultiMedEval; `rouge_l` with one that keeps every script. For English they are equal.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

TATWEEL = "\u0640"
# Spelling variants that Arabic writers use interchangeably; unified for comparison only.
LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه"})


def normalise(text: str) -> str:
    """Normalise a text for comparison.

    NFKC and case folding; Arabic diacritics and tatweel are removed; alef, yeh and teh marbuta variants are unified;
    punctuation of any script becomes a space; spaces collapse.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(_fold(letter) for letter in without_marks(one_alphabet(text))).split())


def one_alphabet(text: str) -> str:
    """Write the variants of alef, yeh and teh marbuta, which Arabic writers interchange, as one letter each."""
    return text.translate(LETTERS)


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


def bleu(prediction: str, reference: str, n: int = 4) -> float:
    """Return the geometric mean of the clipped precisions of 1- to n-grams, times the brevity penalty, in [0, 1].

    Words are separated by white space. The score is 0 if the texts share no n-gram of some length, as for texts of
    fewer than n words.
    """
    predicted, expected = prediction.split(), reference.split()
    logarithms = []
    for length in range(1, n + 1):
        found, wanted = _ngrams(predicted, length), _ngrams(expected, length)
        matches = sum((found & wanted).values())
        if not matches:
            return 0.0
        logarithms.append(math.log(matches / sum(found.values())))
    brevity_penalty = min(1.0, math.exp(1 - len(expected) / len(predicted)))
    return brevity_penalty * math.exp(math.fsum(logarithms) / n)


def bleu1(prediction: str, reference: str) -> float:
    """Return unigram BLEU: the clipped precision times the brevity penalty, in [0, 1]."""
    return bleu(prediction, reference, 1)


def _ngrams(words: list[str], length: int) -> Counter[tuple[str, ...]]:
    """Count the n-grams of `length` words."""
    return Counter(zip(*(words[start:] for start in range(length)), strict=False))


_NO_LETTER = re.compile(r"[\W_]+")


def rouge_l(prediction: str, reference: str) -> float:
    """Return the F-measure of the longest common subsequence of words, in [0, 1]; 0 if a text has no words."""
    value: float = _scorer().score(reference, prediction)["rougeL"].fmeasure
    return value


def rouge_l_ascii(prediction: str, reference: str) -> float:
    """Return `rouge_l` of the words of a-z and 0-9 alone, as rouge-score and MultiMedEval do."""
    value: float = _ascii_scorer().score(reference, prediction)["rougeL"].fmeasure
    return value


class WordTokenizer:
    """rouge-score's tokenizer, replaced: words are runs of letters and digits of any script.

    They are in lower case, without Arabic diacritics.
    """

    def tokenize(self, text: str) -> list[str]:
        """Split a text into words."""
        return [word for word in _NO_LETTER.split(without_marks(text.lower())) if word]


@cache
def _scorer() -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer  # takes seconds

    return RougeScorer(["rougeL"], tokenizer=WordTokenizer())


@cache
def _ascii_scorer() -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False)
