"""Multiple choice: the accuracy of the options that answers choose, as `eval.metrics.choice_reader` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.benchmark import Metric, Metrics, Value, groups_of
from eval.items import Predictions
from eval.metrics.choice_reader import chosen
from eval.metrics.option_letters import ARABIC, split_options
from eval.metrics.reasoning import of_answers
from eval.metrics.text_match import normalise


def is_right(answer: str, options: Mapping[str, str], gold: str) -> bool | None:
    """Tell whether an answer chooses the option `gold`, or another one with the same text; None where it is unclear."""
    letter = chosen(answer, options)
    if letter is None:
        return None
    return letter == gold or (bool(normalise(options[gold])) and normalise(options[letter]) == normalise(options[gold]))


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


ACCURACY = "accuracy"
"""Of the answers that choose an option. Those that choose none, or several, are unscored, and counted."""
ACCURACY_ALL = "accuracy_of_all"
"""Of all answers: those that choose no option, or several, count as wrong."""
UNCLEAR = "answers choose no option, or several"


def accuracy(predictions: Predictions, root: Path) -> Metrics:
    """Score a predictions file without subgroups."""
    return accuracy_by(predictions, ())


def accuracy_by(predictions: Predictions, by: Sequence[str]) -> Metrics:
    """Score a predictions file both ways, ACCURACY and ACCURACY_ALL."""

    def measure(answers: Predictions) -> Metrics:
        groups = groups_of(answers, by)
        values: dict[str, dict[str, Value]] = {ACCURACY: {}, ACCURACY_ALL: {}}
        for line in answers.lines:
            right = None if line.error else is_right(line.output, line.facts["options"], line.facts["right"])
            values[ACCURACY][line.item] = UNCLEAR if right is None and not line.error else right
            values[ACCURACY_ALL][line.item] = None if line.error else bool(right)
        return {name: Metric(found, groups) for name, found in values.items() if found}

    return of_answers(measure, predictions)
