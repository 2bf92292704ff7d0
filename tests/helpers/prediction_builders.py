"""Predictions made from a benchmark's items, without a model."""

from eval.benchmark import groups_in
from eval.items import Prediction, Predictions
from eval.scores import values_in


def answered(items, outputs, name="run"):
    """A prediction for each item; an output of None is a failed one. Outputs are by id, or one for all."""
    lines = []
    for item in items:
        output = outputs.get(item.id) if isinstance(outputs, dict) else outputs
        lines.append(
            Prediction(
                benchmark=name,
                item=item.id,
                language=item.language,
                task=item.task,
                modality=item.modality,
                question=item.question,
                output=output or "",
                gold=item.gold,
                facts=dict(item.facts),
                error="unreadable" if output is None else "",
            )
        )
    return Predictions(name, {"benchmark": {"name": name}}, lines)


def single_values(benchmark, predictions, verdicts=()):
    """Metric -> item -> value behind the overall scores; metrics that were not computed are left out."""
    metrics = benchmark.metrics(predictions, verdicts)
    found = {name: values_in(metric, groups_in(metric)[0]) for name, metric in metrics.items()}
    return {metric: values for metric, values in found.items() if values and set(values.values()) != {None}}


def value(scores, metric, **subgroup):
    """The one score of a metric and subgroup."""
    (found,) = [score for score in scores if (score.metric, score.subgroup) == (metric, subgroup)]
    return found


def texts(item):
    """The parts of an item's turn: its texts, and None for each picture."""
    return [part.get("text") for part in item.messages[-1]["content"]]
