"""From metrics of one prediction to scores over a predictions file and its subgroups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eval.items import Prediction
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Group, Values, scores_from_values, subgroups

Measures = Mapping[str, float | None]
"""Metric -> value of one prediction. None: the item belongs to the metric and cannot be scored."""


def values_of(lines: Sequence[Prediction], measure: Callable[[Prediction], Measures]) -> Values:
    """Measure every prediction once: metric -> item -> value. A prediction with an error is unscored in each."""
    found: dict[str, dict[str, float | None]] = {}
    for line in lines:
        for metric, value in measure(line).items():
            found.setdefault(metric, {})[line.item] = None if line.error else value
    return found


def scores_of(
    predictions: Predictions, measure: Callable[[Prediction], Measures], by: Sequence[str] = ("task", "modality")
) -> list[Score]:
    """Score a predictions file over its own items and the subgroups of the keys in `by`.

    Versions of items in another language (facts.version_of) are in no group but that of their language.
    """
    return scores_from_values(predictions.name, values_of(predictions.lines, measure), groups_of(predictions, by))


def own_lines(predictions: Predictions) -> list[Prediction]:
    """Return the predictions of the benchmark's own items, not of their versions in another language."""
    return [line for line in predictions.lines if "version_of" not in line.facts]


def groups_of(predictions: Predictions, by: Sequence[str]) -> list[Group]:
    """Return all own items as {}, their subgroups, and where there are versions each language as a group."""
    own = own_lines(predictions)
    groups = subgroups(own, *by)
    if len(own) < len(predictions.lines):
        groups += subgroups(predictions.lines, "language")[1:]
    return groups
