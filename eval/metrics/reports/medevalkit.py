"""The overlap metrics of reports as MedEvalKit has them (utils/Metrics_Compute/cal_report_metrics.py).

BLEU-1 to BLEU-4 without smoothing, over words in lower case that are separated by white space, full stops apart. Its
mean counts an empty answer as 0. Its ROUGE, CIDEr and GREEN come from packages that are no dependency here; its
RaTEScore is that of `reports`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.benchmark import Metric, Metrics, values_of
from eval.items import Prediction, Predictions
from eval.metrics.reasoning import in_both_ways
from eval.metrics.reports.values import reports
from eval.metrics.text_match import bleu


def board_reports(predictions: Predictions, root: Path) -> Metrics:
    """Score every report as `reports` does, and by `medevalkit.bleu1` to `medevalkit.bleu4`."""
    return {**reports(predictions, root), **in_both_ways(_overlap, predictions)}


def prepared(report: str) -> str:
    """A report in lower case with its full stops as words."""
    return " ".join(report.lower().replace(".", " .").split())


def _overlap(predictions: Predictions) -> Metrics:
    return {name: Metric(values) for name, values in values_of(predictions.lines, _bleus).items()}


def _bleus(line: Prediction) -> Mapping[str, float]:
    pair = prepared(line.output), prepared(line.gold)
    return {f"medevalkit.bleu{n}": bleu(*pair, n) for n in range(1, 5)}
