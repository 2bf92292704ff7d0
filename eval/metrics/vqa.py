"""VQA answers, scored twice: `multimedeval.*` as MultiMedEval does, `corrected.*` by our own correction of it.

`multimedeval.*` are comparable with published numbers, quirks included (eval.metrics.multimedeval); `corrected.*` are
not: a question is closed if the data says so, in either language; repeated words count repeatedly; Arabic, articles and
number words are normalised, in both languages; a closed answer that says both yes and no, or both alternatives of an
"or" question, is wrong.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.benchmark import Group, Metric, Metrics, groups_of, values_of
from eval.items import Prediction, Predictions
from eval.metrics.multimedeval import ARTICLES, NUMBER_WORDS, OPEN_RECALL, is_closed, score_vqa
from eval.metrics.reasoning import in_both_ways, of_answers
from eval.metrics.text_match import bleu1, normalise

UNTYPED = "This layout says of no question if it is closed: yes and no as gold answers are."
ENGLISH_ONLY = "MultiMedEval cleans English alone and knows no Arabic yes and no."


def vqa(predictions: Predictions, root: Path) -> Metrics:
    """Score a predictions file both ways, over its own items and by task, modality and language."""
    groups = groups_of(predictions, ("task", "modality"))
    typed = all(line.facts["typed"] for line in predictions.lines)

    def corrected(answers: Predictions) -> Metrics:
        values = values_of(answers.lines, _corrected)
        return {name: Metric(found, groups, "" if typed else UNTYPED) for name, found in values.items()}

    return {**multimedeval(predictions, groups), **of_answers(corrected, predictions)}


def multimedeval(predictions: Predictions, groups: Sequence[Group]) -> Metrics:
    """Score outputs as MultiMedEval does; a reference of which cleaning leaves nothing scores 0, as there.

    Where outputs have reasoning blocks, the same metrics of the answers alone stand beside these.
    """
    noted = [replace(each, note=ENGLISH_ONLY) if each.subgroup.get("language") == "ar" else each for each in groups]

    def measure(read: Predictions) -> Metrics:
        return {name: Metric(values, noted) for name, values in values_of(read.lines, _multimedeval).items()}

    return in_both_ways(measure, predictions)


def _multimedeval(line: Prediction) -> Mapping[str, float]:
    score = score_vqa(line.output, line.gold)
    if is_closed(line.gold):
        kind: dict[str, float] = {"multimedeval.closedQuestionsAccuracy": score.correct}
    else:
        kind = {"multimedeval.openQuestionsAccuracy": score.correct, "multimedeval.openQuestionsRecall": score.recall}
    return kind | {"multimedeval.recall": score.recall, "multimedeval.F1": score.f1, "multimedeval.bleu": score.bleu}


def _corrected(line: Prediction) -> Mapping[str, float | None]:
    closed = line.facts["closed"]
    names = ["recall", "f1", "bleu1", *(["closed_accuracy"] if closed else ["open_accuracy", "open_recall"])]
    if not words(line.gold):
        return {f"corrected.{name}": None for name in names}
    score = score_corrected(line.output, line.gold, line.question, closed=closed)
    values = {
        "recall": score.recall,
        "f1": score.f1,
        "bleu1": score.bleu1,
        "closed_accuracy": score.correct,
        "open_accuracy": score.correct,
        "open_recall": score.recall,
    }
    return {f"corrected.{name}": values[name] for name in names}


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
