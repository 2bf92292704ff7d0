"""The six VQA metrics without MultiMedEval's quirks. These are our own numbers, not comparable with its tables.

The differences: a question is closed if the data says so, in either language; repeated words count repeatedly; Arabic,
articles and number words are normalised, in both languages; a closed answer that says both yes and no, or both
alternatives of an "or" question, is wrong.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.metrics.multimedeval import ARTICLES, NUMBER_WORDS, OPEN_RECALL
from eval.metrics.text_match import bleu1, normalise

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
# "none" is not a number: "none" and "0" answer different questions.
NUMBERS = {word: number for word, number in NUMBER_WORDS.items() if word != "none"} | {
    normalise(word): str(number) for number, spellings in enumerate(_ARABIC_NUMBERS) for word in spellings.split()
}

STANCES = {normalise(word): True for word in ("yes", "نعم", "أجل", "بلى")} | {
    normalise(word): False for word in ("no", "لا", "كلا")
}
OR = {normalise(word) for word in ("or", "أو", "أم")}


@dataclass(frozen=True)
class CorrectedScore:
    """The metrics of one answer; each is in [0, 1]. `correct` is the accuracy of its kind, closed or open."""

    bleu1: float
    recall: float
    f1: float
    correct: bool


def score_corrected(prediction: str, gold: str, question: str, *, closed: bool) -> CorrectedScore:
    """Score one answer.

    With P and G the multisets of words of the prediction and of the reference answer: recall = |P & G| / |G|,
    f1 = 2|P & G| / (|P| + |G|). An open answer is right from a recall of 0.75.

    Raises:
        ValueError: the reference answer has no words.
    """
    predicted, expected = words(prediction), words(gold)
    if not expected:
        raise ValueError(f"The reference answer {gold!r} has no words, so recall is not defined.")
    common = sum((Counter(predicted) & Counter(expected)).values())
    recall = common / len(expected)
    right = closed_right(predicted, expected, words(question)) if closed else recall >= OPEN_RECALL
    return CorrectedScore(
        bleu1=bleu1(" ".join(predicted), " ".join(expected)),
        recall=recall,
        f1=2 * common / (len(predicted) + len(expected)),
        correct=right,
    )


def closed_right(predicted: Sequence[str], expected: Sequence[str], question: Sequence[str]) -> bool:
    """Tell whether a closed answer, given as words, is right.

    A yes/no reference: the answer has the same stance. Any other reference: the answer contains all of its words, and
    none of the words next to an "or" in the question that are not in the reference.
    """
    if len(expected) == 1 and expected[0] in STANCES:
        return stance(predicted) is STANCES[expected[0]]
    beside = {
        question[place]
        for number, word in enumerate(question)
        if word in OR
        for place in (number - 1, number + 1)
        if 0 <= place < len(question)
    }
    rivals = beside - set(expected)
    return not Counter(expected) - Counter(predicted) and not rivals & set(predicted)


def stance(answer: Sequence[str]) -> bool | None:
    """Return whether an answer says yes or no: by its first word, else by the only stance in it; None if unclear."""
    if answer and answer[0] in STANCES:
        return STANCES[answer[0]]
    found = {STANCES[word] for word in answer if word in STANCES}
    return found.pop() if len(found) == 1 else None


def words(text: str) -> list[str]:
    """Return the words after `normalise`, English articles left out, numbers as digits 0 to 9 of any script."""
    digits = "".join(_digit(letter) for letter in normalise(text))
    return [NUMBERS.get(word, word) for word in digits.split() if word not in ARTICLES]


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)
