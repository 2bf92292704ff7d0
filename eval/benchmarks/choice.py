"""What benchmarks share whose generated answer chooses one of several lettered options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.benchmarks.scoring import Measures, own_lines, scores_of
from eval.items import Prediction
from eval.metrics.choice import ARABIC, chosen, is_right
from eval.predictions import Predictions
from eval.score import Score

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


def choice_scores(predictions: Predictions, by: Sequence[str]) -> list[Score]:
    """Score `accuracy`. An answer that chooses no option, or several, is wrong; the note of {} counts them."""
    answered = [line for line in own_lines(predictions) if not line.error]
    lost = sum(chosen(line.output, line.facts["options"]) is None for line in answered)
    note = f"{lost} of {len(answered)} answers choose no option; they count as wrong." if lost else ""
    return [score if score.subgroup else replace(score, note=note) for score in scores_of(predictions, accuracy, by)]


def accuracy(line: Prediction) -> Measures:
    """Return whether the answer of one prediction chooses the right option."""
    return {"accuracy": is_right(line.output, line.facts["options"], line.facts["right"])}
