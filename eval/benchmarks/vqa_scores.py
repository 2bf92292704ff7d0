"""The two scorings of an answer to a question on a picture."""

from __future__ import annotations

from dataclasses import replace

from eval.benchmarks.scoring import Measures, scores_of
from eval.items import Prediction
from eval.metrics.corrected_vqa import score_corrected
from eval.metrics.multimedeval import is_closed, score_vqa
from eval.metrics.words import words
from eval.predictions import Predictions
from eval.score import Score

UNTYPED = "This layout says of no question if it is closed: yes and no as gold answers are."
ENGLISH_ONLY = "MultiMedEval cleans English alone and knows no Arabic yes and no."


def vqa_scores(predictions: Predictions) -> list[Score]:
    """Score a predictions file under both names, over its own items and by task, modality and language."""
    return [_noted(score, predictions) for score in scores_of(predictions, measures)]


def measures(line: Prediction) -> Measures:
    """Return the metrics of one prediction under both names."""
    return {**_multimedeval(line), **_corrected(line)}


def _multimedeval(line: Prediction) -> Measures:
    score = score_vqa(line.output, line.gold)
    kind: Measures
    if is_closed(line.gold):
        kind = {"multimedeval.closedQuestionsAccuracy": score.correct}
    else:
        kind = {"multimedeval.openQuestionsAccuracy": score.correct, "multimedeval.openQuestionsRecall": score.recall}
    overall = {"multimedeval.recall": score.recall, "multimedeval.F1": score.f1, "multimedeval.bleu": score.bleu}
    return {**kind, **overall}


def _corrected(line: Prediction) -> Measures:
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


def _noted(score: Score, predictions: Predictions) -> Score:
    if score.metric.startswith("multimedeval."):
        return replace(score, note=ENGLISH_ONLY) if score.subgroup.get("language") == "ar" else score
    typed = all(line.facts["typed"] for line in predictions.lines)
    return score if typed else replace(score, note=UNTYPED)
