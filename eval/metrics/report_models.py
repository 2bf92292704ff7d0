"""Metrics of reports that need a trained model: RadGraph F1, CheXbert similarity, RadCliQ, RaTEScore.

Their weights are not ours to give, and nothing stands in for them: a metric is computed by the user's own scorer or not
at all. A scorer is a Python function that takes two lists of texts, the generated reports and the references, and
returns one number a report. `report_metrics.yml` in the root folder names them, as "module:function":

    f1_radgraph: my_scorers:radgraph

The module is imported from the folder of that file, or from the environment.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from eval.errors import EvalError

FILE = "report_metrics.yml"
NEEDS = {
    "f1_radgraph": "RadGraph's weights (package radgraph; model `radgraph`, reward partial)",
    "chexbert": "CheXbert's weights (chexbert.pth, and bert-base-uncased)",
    "radcliq": "RadCliQ-v1's coefficients, and all that it is made of: RadGraph, CheXbert, BERTScore, BLEU-2",
    "ratescore": "RaTEScore's weights (package RaTEScore)",
}
"""What each metric needs. RadCliQ is lower for better reports; the others are shares of 1."""

Scorer = Callable[[list[str], list[str]], Sequence[float]]


def scorers(root: Path) -> dict[str, Scorer]:
    """Load the scorers that the root folder's file names; none where there is no such file.

    Raises:
        EvalError: the file names an unknown metric, or something that cannot be imported.
    """
    path = root / FILE
    if not path.is_file():
        return {}
    try:
        named = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EvalError(f"{path}: not YAML ({error}).") from error
    if not isinstance(named, dict):
        raise EvalError(f"{path}: wanted one `metric: module:function` a line.")
    unknown = sorted(str(name) for name in named if name not in NEEDS)
    if unknown:
        raise EvalError(f"{path}: {unknown[0]}: no such metric. Known: {', '.join(NEEDS)}.")
    return {name: _load(path, name, str(place)) for name, place in named.items()}


def missing(metric: str) -> str:
    """The note of a metric that has no scorer."""
    return f"not computed: needs {NEEDS[metric]}. Name a scorer in {FILE}, see eval/metrics/report_models.py."


def numbers(metric: str, scorer: Scorer, predictions: list[str], references: list[str]) -> list[float]:
    """Return the scorer's number of each report.

    Raises:
        EvalError: it fails, or returns another number of them.
    """
    try:
        found = [float(value) for value in scorer(predictions, references)]
    except Exception as error:
        raise EvalError(f"{FILE}: {metric}: the scorer failed ({type(error).__name__}: {error}).") from error
    if len(found) != len(predictions):
        raise EvalError(f"{FILE}: {metric}: the scorer returned {len(found)} numbers for {len(predictions)} reports.")
    return found


def _load(path: Path, metric: str, place: str) -> Scorer:
    module, _, function = place.partition(":")
    sys.path.insert(0, str(path.parent))
    try:
        scorer: Scorer = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise EvalError(f"{path}: {metric}: {place!r} is no function ({error}). Wanted: module:function.") from error
    finally:
        sys.path.remove(str(path.parent))
    return scorer
