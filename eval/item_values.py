"""The values of single items behind the scores of one predictions file."""

from __future__ import annotations

from pathlib import Path

from eval.judge.verdicts import read_verdicts
from eval.predictions import Predictions
from eval.registry import load
from eval.scores import METRICS
from eval.statistics import Values


def item_values(results: Path, run: Predictions) -> Values:
    """Return metric -> item id -> value, of the benchmark in the file's header, or of a data set's metrics.

    No file of the benchmark is read: the prediction lines, and the verdicts beside them, hold all.
    """
    about = run.header.get("benchmark")
    if about:
        verdicts = read_verdicts(results, run.name)
        return load(about["name"], Path()).values(run, verdicts)
    return {
        name: {line.item: metric.value(line) for line in run.lines if metric.is_for(line)}
        for name, metric in METRICS.items()
    }
