"""BLEU of one text against one reference (Papineni et al., 2002), equal to torchmetrics' without smoothing."""

from __future__ import annotations

import math
from collections import Counter


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
