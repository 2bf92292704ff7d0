"""The scores of generated or summarised reports, as MultiMedEval has them: one value a report, then their mean.

BLEU reads the texts as they are. MultiMedEval's ROUGE-L knows no word of another script; for other languages than
English `ours.rougeL`, which knows them all, stands beside it. The values are raw; `python -m eval report --starred`
rescales the two that the paper's tables rescale, by a rule that the reader chooses. Every metric is a mean over
reports, BLEU and METEOR too, so each has its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from eval.benchmark import Metric, Metrics, values_of
from eval.errors import say
from eval.items import Prediction, Predictions
from eval.metrics.reasoning import in_both_ways
from eval.metrics.reports.scorers import scorers
from eval.metrics.text_match import bleu, rouge_l, rouge_l_ascii

METEOR = "multimedeval.meteor"
UNBOUNDED = ("radcliq",)


def reports(predictions: Predictions, root: Path) -> Metrics:
    """Score every report. `root` may hold the weights, or name the functions, of metrics that need a model.

    Raises:
        EvalError: such weights or functions cannot be used.
    """
    return in_both_ways(partial(_reports, root), predictions)


def _reports(root: Path, predictions: Predictions) -> Metrics:
    lines = predictions.lines
    overlap = {name: Metric(values) for name, values in values_of(lines, _overlap).items()}
    return {**overlap, METEOR: _meteor(lines), **_by_models(predictions, root)}


def _overlap(line: Prediction) -> Mapping[str, float]:
    pair = line.output, line.gold
    values = {
        "multimedeval.bleu1": bleu(*pair, 1),
        "multimedeval.bleu4": bleu(*pair),
        "multimedeval.rougeL": rouge_l_ascii(*pair),
    }
    return values if line.language == "en" else values | {"ours.rougeL": rouge_l(*pair)}


def _meteor(lines: Sequence[Prediction]) -> Metric:
    from eval.metrics.meteor import NO_WORDNET, meteor

    measure = meteor()
    if measure is None:
        return _not_computed(lines, NO_WORDNET)
    values = {line.item: None if line.error else measure(line.output, line.gold) for line in lines}
    return Metric(values, note=measure.note)


def _by_models(predictions: Predictions, root: Path) -> Metrics:
    answered = [line for line in predictions.lines if not line.error]
    texts = [line.output for line in answered], [line.gold for line in answered]
    metrics = {}
    for metric, scorer in scorers(root).items():
        name = metric if metric == "ratescore" else f"multimedeval.{metric}"
        unit = "score" if metric in UNBOUNDED else "fraction"
        if isinstance(scorer, str):
            metrics[name] = _not_computed(predictions.lines, scorer, unit)
            continue
        say(f"{predictions.name}: {metric} of {len(answered)} reports")
        found = dict(zip((line.item for line in answered), scorer(*texts), strict=True)) if answered else {}
        metrics[name] = Metric({line.item: found.get(line.item) for line in predictions.lines}, (), scorer.note, unit)
    return metrics


def _not_computed(lines: Sequence[Prediction], why: str, unit: str = "fraction") -> Metric:
    return Metric({line.item: None for line in lines}, note=why, unit=unit)
