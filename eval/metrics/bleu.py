"""BLEU-1 of one sentence against one reference (Papineni et al., 2002), equal to torchmetrics' BLEUScore(n_gram=1)."""

from __future__ import annotations

import math
from collections import Counter


def bleu1(prediction: str, reference: str) -> float:
    """Return the clipped unigram precision times the brevity penalty, in [0, 1].

    Words are what stands between white space. Without a common word, so for an empty text too, it is 0.
    """
    predicted, expected = prediction.split(), reference.split()
    matches = sum((Counter(predicted) & Counter(expected)).values())
    if not matches:
        return 0.0
    brevity_penalty = min(1.0, math.exp(1 - len(expected) / len(predicted)))
    return brevity_penalty * matches / len(predicted)
