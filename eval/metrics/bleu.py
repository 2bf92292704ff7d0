"""BLEU of one text against one reference (Papineni et al., 2002), equal to torchmetrics' without smoothing."""

from __future__ import annotations

import math
from collections import Counter


def bleu(prediction: str, reference: str, n: int = 4) -> float:
    """Return the geometric mean of the clipped precisions of 1 to n words, times the brevity penalty, in [0, 1].

    Words are what stands between white space. Without a common group of each length, so for a text shorter than n
    words too, it is 0.
    """
    predicted, expected = prediction.split(), reference.split()
    logarithms = []
    for length in range(1, n + 1):
        groups, wanted = _groups(predicted, length), _groups(expected, length)
        matches = sum((groups & wanted).values())
        if not matches:
            return 0.0
        logarithms.append(math.log(matches / sum(groups.values())))
    brevity_penalty = min(1.0, math.exp(1 - len(expected) / len(predicted)))
    return brevity_penalty * math.exp(math.fsum(logarithms) / n)


def bleu1(prediction: str, reference: str) -> float:
    """Return BLEU of single words: the clipped precision times the brevity penalty, in [0, 1]."""
    return bleu(prediction, reference, 1)


def _groups(words: list[str], length: int) -> Counter[tuple[str, ...]]:
    """Count the groups of `length` neighbouring words."""
    return Counter(zip(*(words[start:] for start in range(length)), strict=False))
