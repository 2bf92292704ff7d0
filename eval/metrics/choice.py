"""Multiple choice: the accuracy of the options that answers choose, as `eval.metrics.choice_reader` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.benchmark import Metric, Metrics, groups_of, own_lines, values_of
from eval.items import Prediction, Predictions
from eval.metrics.choice_reader import chosen
from eval.metrics.option_letters import ARABIC, split_options
from eval.metrics.text_match import normalise


def is_right(answer: str, options: Mapping[str, str], gold: str) -> bool:
    """Tell whether an answer chooses the option `gold`, or another one with the same text."""
    letter = chosen(answer, options)
    return letter is not None and (letter == gold or normalise(options[letter]) == normalise(options[gold]))


def choice_facts(options: Mapping[str, str], right: str) -> dict[str, object]:
    """The facts of an item that `accuracy` reads: its options by letter, and the letter of the right one."""
    return {"options": dict(options), "right": right}


def facts_of_text(question: str, gold: str) -> dict[str, object]:
    """The facts of a question with its options in its text, whose reference begins with the right one's letter.

    Raises:
        ValueError: the reference names none of the options.
    """
    _, options = split_options(question)
    right = ARABIC.get(gold[:1], gold[:1])
    if right not in options:
        raise ValueError("the choices cannot be told apart")
    return choice_facts(options, right)


def accuracy(predictions: Predictions, root: Path) -> Metrics:
    """Score a predictions file without subgroups."""
    return accuracy_by(predictions, ())


def accuracy_by(predictions: Predictions, by: Sequence[str]) -> Metrics:
    """Score a predictions file. An answer that chooses no option, or several, is wrong; the note of {} counts them."""
    answered = [line for line in own_lines(predictions.lines) if not line.error]
    lost = sum(chosen(line.output, line.facts["options"]) is None for line in answered)
    note = f"{lost} of {len(answered)} answers choose no option; they count as wrong." if lost else ""
    groups = [group if group.subgroup else replace(group, note=note) for group in groups_of(predictions, by)]
    return {name: Metric(values, groups) for name, values in values_of(predictions.lines, _accuracy).items()}


def _accuracy(line: Prediction) -> Mapping[str, float]:
    return {"accuracy": is_right(line.output, line.facts["options"], line.facts["right"])}
