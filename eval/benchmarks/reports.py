"""The scores of generated or summarised reports, as MultiMedEval has them: one value a report, then their mean.

BLEU reads the texts as they are. The values are raw; `python -m eval report --starred` rescales the two that the
paper's tables rescale, by a rule that the reader chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.items import Prediction
from eval.metrics.bleu import bleu
from eval.metrics.reports.scorers import scorers
from eval.predictions import Predictions
from eval.progress import say
from eval.score import Score
from eval.statistics import Values, scores_from_values

METEOR = "multimedeval.meteor"
UNBOUNDED = ("radcliq",)


def report_scores(predictions: Predictions, root: Path) -> list[Score]:
    """Score a file of reports. `root` may hold the weights, or name the functions, of metrics that need a model.

    Raises:
        EvalError: such weights or functions cannot be used.
    """
    answered = [line for line in predictions.lines if not line.error]
    return [
        *scores_from_values(predictions.name, overlap_values(predictions)),
        _meteor(predictions),
        *_by_models(predictions, answered, root),
    ]


def overlap_values(predictions: Predictions) -> Values:
    """BLEU and ROUGE-L of every report; None for one that has no answer."""
    from eval.metrics.rouge import rouge_l  # its package takes seconds to import

    answered = [line for line in predictions.lines if not line.error]
    pairs = {line.item: (line.output, line.gold) for line in answered}
    values = {
        "multimedeval.bleu1": {item: bleu(*pair, 1) for item, pair in pairs.items()},
        "multimedeval.bleu4": {item: bleu(*pair) for item, pair in pairs.items()},
        "multimedeval.rougeL": {item: rouge_l(*pair) for item, pair in pairs.items()},
    }
    return {name: _all(predictions, found) for name, found in values.items()}


def report_values(predictions: Predictions) -> Values:
    """The values of every report by the metrics that need no weights: METEOR too where there is a WordNet."""
    return {**overlap_values(predictions), **_meteor_values(predictions)[0]}


def _meteor(predictions: Predictions) -> Score:
    values, note = _meteor_values(predictions)
    if not values:
        return _not_computed(predictions, METEOR, note)
    (score,) = scores_from_values(predictions.name, values)
    return replace(score, note=note)


def _meteor_values(predictions: Predictions) -> tuple[Values, str]:
    """METEOR of every report, or nothing without a WordNet; and what must be known of it."""
    from eval.metrics.meteor import NO_WORDNET, meteor

    measure = meteor()
    if measure is None:
        return {}, NO_WORDNET
    answered = (line for line in predictions.lines if not line.error)
    found = {line.item: measure(line.output, line.gold) for line in answered}
    return {METEOR: _all(predictions, found)}, measure.note


def _by_models(predictions: Predictions, answered: Sequence[Prediction], root: Path) -> list[Score]:
    texts = [line.output for line in answered], [line.gold for line in answered]
    scores = []
    for metric, scorer in scorers(root).items():
        name = metric if metric == "ratescore" else f"multimedeval.{metric}"
        if isinstance(scorer, str):
            scores.append(_not_computed(predictions, name, scorer))
            continue
        say(f"{predictions.name}: {metric} of {len(answered)} reports")
        found = dict(zip((line.item for line in answered), scorer(*texts), strict=True)) if answered else {}
        unit = "score" if metric in UNBOUNDED else "fraction"
        (score,) = scores_from_values(predictions.name, {name: _all(predictions, found)}, unit=unit)
        scores.append(replace(score, note=scorer.note))
    return scores


def _all(predictions: Predictions, found: dict[str, float]) -> dict[str, float | None]:
    """The values of every item; None where it has no answer."""
    return {line.item: found.get(line.item) for line in predictions.lines}


def _not_computed(predictions: Predictions, metric: str, why: str) -> Score:
    unit = "score" if metric.endswith(UNBOUNDED) else "fraction"
    return Score(predictions.name, metric, None, 0, None, len(predictions.lines), {}, unit=unit, note=why)
