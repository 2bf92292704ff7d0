"""VQA answers, scored twice: `multimedeval.*` as MultiMedEval does, `corrected.*` by our own correction of it.

`multimedeval.*` are comparable with published numbers, quirks included (eval.metrics.multimedeval); `corrected.*` are
not (eval.metrics.corrected_vqa).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.benchmark import Group, Metric, Metrics, groups_of, values_of
from eval.items import Prediction, Predictions
from eval.metrics.corrected_vqa import score_corrected, words
from eval.metrics.multimedeval import is_closed, score_vqa

UNTYPED = "This layout says of no question if it is closed: yes and no as gold answers are."
ENGLISH_ONLY = "MultiMedEval cleans English alone and knows no Arabic yes and no."


def vqa(predictions: Predictions, root: Path) -> Metrics:
    """Score a predictions file both ways, over its own items and by task, modality and language."""
    groups = groups_of(predictions, ("task", "modality"))
    typed = all(line.facts["typed"] for line in predictions.lines)
    corrected = values_of(predictions.lines, _corrected)
    return {
        **multimedeval(predictions.lines, groups),
        **{name: Metric(values, groups, "" if typed else UNTYPED) for name, values in corrected.items()},
    }


def multimedeval(lines: Sequence[Prediction], groups: Sequence[Group]) -> Metrics:
    """Score answers as MultiMedEval does; a reference of which cleaning leaves nothing scores 0, as there."""
    noted = [replace(each, note=ENGLISH_ONLY) if each.subgroup.get("language") == "ar" else each for each in groups]
    return {name: Metric(values, noted) for name, values in values_of(lines, _multimedeval).items()}


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
