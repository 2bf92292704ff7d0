"""ROUGE-L of one text against one reference (Lin, 2004), by rouge-score with a tokenizer that keeps every script.

rouge-score's own tokenizer drops everything but a-z and 0-9, so identical Arabic texts score 0. For English the value
equals that of rouge-score and of torchmetrics (`rougeL_fmeasure`, without stemming).
"""

from __future__ import annotations

import re
from functools import cache

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from eval.metrics.exact import without_marks

_NO_LETTER = re.compile(r"[\W_]+")


def rouge_l(prediction: str, reference: str) -> float:
    """Return the F-measure of the longest common subsequence of words, in [0, 1]; 0 if a text has no words."""
    value: float = _scorer().score(reference, prediction)["rougeL"].fmeasure
    return value


class WordTokenizer(Tokenizer):
    """Words are runs of letters and digits of any script, in lower case, without Arabic diacritics."""

    def tokenize(self, text: str) -> list[str]:
        """Split a text into words."""
        return [word for word in _NO_LETTER.split(without_marks(text.lower())) if word]


@cache
def _scorer() -> RougeScorer:
    return RougeScorer(["rougeL"], tokenizer=WordTokenizer())
