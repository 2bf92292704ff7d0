"""From a function that scores one prediction to metrics over a predictions file, with its subgroups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eval.benchmark import Group, Metric, Metrics, Value
from eval.items import Prediction, Predictions

Measured = Mapping[str, float | None]
"""Metric -> value of one prediction. None: the item belongs to the metric and cannot be scored."""


def metrics_of(
    predictions: Predictions, measure: Callable[[Prediction], Measured], by: Sequence[str] = ("task", "modality")
) -> Metrics:
    """Measure every prediction, over all items and the subgroups of the keys in `by`.

    Versions of items in another language (facts.version_of) are in no group but that of their language.
    """
    groups = groups_of(predictions, by)
    return {name: Metric(values, groups) for name, values in values_of(predictions.lines, measure).items()}


def values_of(lines: Sequence[Prediction], measure: Callable[[Prediction], Measured]) -> dict[str, dict[str, Value]]:
    """Measure every prediction once: metric -> item -> value. A prediction with an error is unscored in each."""
    found: dict[str, dict[str, Value]] = {}
    for line in lines:
        for metric, value in measure(line).items():
            found.setdefault(metric, {})[line.item] = None if line.error else value
    return found


def own_lines(lines: Sequence[Prediction]) -> list[Prediction]:
    """Return the predictions of the benchmark's own items, not of their versions in another language."""
    return [line for line in lines if "version_of" not in line.facts]


def groups_of(predictions: Predictions, by: Sequence[str]) -> list[Group]:
    """Return all own items as {}, their subgroups, and where there are versions each language as a group."""
    own = own_lines(predictions.lines)
    groups = subgroups(own, *by)
    if len(own) < len(predictions.lines):
        groups += subgroups(predictions.lines, "language")[1:]
    return groups


def subgroups(lines: Sequence[Prediction], *keys: str) -> list[Group]:
    """Return all items as the group {}, then for each key its groups {key: value}, where it has several values.

    A key is a field of the prediction or one of its facts.
    """
    groups = [Group({}, ids(lines))]
    for key in keys:
        values = sorted({line.value_of(key) for line in lines})
        if len(values) > 1:
            groups += [group_of(lines, key, value) for value in values if value]
    return groups


def group_of(lines: Sequence[Prediction], key: str, value: str) -> Group:
    """Return the group of the predictions that have this value of a field or fact."""
    return Group({key: value}, ids([line for line in lines if line.value_of(key) == value]))


def ids(lines: Sequence[Prediction]) -> frozenset[str]:
    """Return the ids of the items that these predictions answer."""
    return frozenset(line.item for line in lines)
