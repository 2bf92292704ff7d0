"""Questions with lettered options in one text, and `accuracy`: whether the answer chooses the right one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.benchmark import Metric, Metrics
from eval.items import Prediction, Predictions
from eval.metrics.choice import ARABIC, chosen, is_right
from eval.values import groups_of, own_lines, values_of

_OPTION = re.compile(rf"^[ \t]*([A-H]|[{''.join(ARABIC)}]ـ?)[ \t]*[.)،:-][ \t]*(.*)$", re.MULTILINE)


def split_options(text: str) -> tuple[str, dict[str, str]]:
    """Return a question's stem and its options by letter, as A to H, from one text with an option a line.

    Options run from the last line that has the first letter, A or alef, to the end; a line without a letter belongs to
    the option before it. Without such a line there are none, and the stem is the whole text.
    """
    found = list(_OPTION.finditer(text))
    letters = [ARABIC.get(match[1][0], match[1]) for match in found]
    if "A" not in letters:
        return text.strip(), {}
    first = len(letters) - 1 - letters[::-1].index("A")
    ends = [match.start() for match in found[first + 1 :]] + [len(text)]
    options: dict[str, str] = {}
    for letter, match, end in zip(letters[first:], found[first:], ends, strict=True):
        options.setdefault(letter, text[match.start(2) : end].strip())
    return text[: found[first].start()].strip(), options


def lettered(question: str, options: Mapping[str, str]) -> str:
    """Return a question with one lettered option a line below it."""
    return "\n".join([question, *(f"{letter}. {text}" for letter, text in options.items())])


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
