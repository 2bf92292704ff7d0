"""From a judge's replies to values: two grades or a label in a reply, and per answer a value or a reason.

The framework takes means over the values and counts the reasons: a reply that cannot be read never enters a mean.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from eval.benchmark import Verdict
from eval.items import Prediction
from eval.judge.instructions import PLAIN, SWAPPED
from eval.judge.verdicts import latest_by_item

Outcome = float | str
"""A value, or the reason why there is none."""
Outcomes = dict[str, Outcome]
"""By item id."""

NOT_ANSWERED = "without an answer"
NOT_JUDGED = "not judged"
MALFORMED = "with a malformed verdict"
OFF_SCALE = "with a verdict off the scale of 1 to 10"
OFFICIAL_STOPS = "with a verdict at which the official summary stops"
OFFICIAL_NO_NUMBER = "that the official summary turns into nan or infinity"

RELATIVE, OFFICIAL = "judge.relative", "judge.relative_official"
REPEATED, SWAPPED_ORDER = "judge.relative_repeated", "judge.relative_swapped"
LOWEST, HIGHEST = 1, 10
TINY = 1e-100
"""Added to the reference's grade by the official summary, so that division by a grade of 0 is defined."""

_GRADE = re.compile(r"\d+(?:[.٫]\d+)?")
_OTHERS = r"""\s*["']?\s*(?:[|/]|,?\s*or\b|,\s*["']?[A-Za-z]+["']?\s*(?:,|or\b))"""
"""Further labels to choose from: the instructions, and no verdict."""
_LABEL = rf"""["']?{{key}}["']?\s*:\s*["']?([A-Za-z]++)(?!{_OTHERS})"""


def outcomes_of(
    lines: Sequence[Prediction],
    verdicts: Sequence[Verdict],
    read: Callable[[str], Outcome],
    kind: str,
    repeat: int = 0,
) -> Outcomes:
    """Read the verdict on each line's answer as it is now; `read` gets the judge's reply."""
    found = latest_by_item(verdicts, lines, kind, repeat)
    outcomes: Outcomes = {}
    for line in lines:
        if line.error:
            outcomes[line.item] = NOT_ANSWERED
        else:
            outcomes[line.item] = read(found[line.item]["reply"]) if line.item in found else NOT_JUDGED
    return outcomes


def note_of(verdicts: Sequence[Verdict]) -> str:
    """Who judged and how, for the note of a score."""
    if not verdicts:
        return ""
    judge = verdicts[-1]["judge"]
    return f"judge {judge['model']}; {judge['instructions']}"


def relative_outcomes(lines: Sequence[Prediction], verdicts: Sequence[Verdict]) -> dict[str, Outcomes]:
    """The ratio of grades of every line, by metric, for every metric that has verdicts."""
    found = {
        RELATIVE: outcomes_of(lines, verdicts, ratio, PLAIN),
        OFFICIAL: outcomes_of(lines, verdicts, official_ratio, PLAIN),
    }
    repeats = 1 + max((verdict["repeat"] for verdict in verdicts), default=0)
    if repeats > 1:
        each = [outcomes_of(lines, verdicts, ratio, PLAIN, repeat) for repeat in range(repeats)]
        found[REPEATED] = {item: _mean([one[item] for one in each]) for item in found[RELATIVE]}
    if any(verdict["kind"] == SWAPPED for verdict in verdicts):
        found[SWAPPED_ORDER] = outcomes_of(lines, verdicts, swapped_ratio, SWAPPED)
    return found


def ratio(reply: str) -> Outcome:
    """The second grade over the first: the candidate's over the reference's, in the published order."""
    found = _grades_on_scale(reply)
    return found if isinstance(found, str) else found[1] / found[0]


def swapped_ratio(reply: str) -> Outcome:
    """The first grade over the second, for answers judged in the other order."""
    found = _grades_on_scale(reply)
    return found if isinstance(found, str) else found[0] / found[1]


def official_ratio(reply: str) -> Outcome:
    """The ratio as the official summary computes it, on the scale or off it."""
    found = official_grades(reply)
    if found is None:
        return OFFICIAL_STOPS
    value = found[1] / (found[0] + TINY)
    return value if math.isfinite(value) else OFFICIAL_NO_NUMBER


def grades(reply: str) -> tuple[float, float] | None:
    """The two grades on a reply's first line; None if that line is not two numbers separated by whitespace.

    Digits may be any Unicode digits. The grades may be off the scale: see `on_scale`.
    """
    words = reply.strip().split("\n")[0].split()
    if len(words) != 2 or not all(_GRADE.fullmatch(word) for word in words):
        return None
    first, second = (float(word.replace("٫", ".")) for word in words)
    return first, second


def on_scale(*found: float) -> bool:
    """Whether grades are on the scale that the instructions give."""
    return all(LOWEST <= grade <= HIGHEST for grade in found)


def official_grades(reply: str) -> tuple[float, float] | None:
    """The two grades as BiMed-MBench's own summary reads them; None where it stops with an error.

    It splits the first line at single spaces and accepts whatever Python's float does, such as "nan" and "1e3".
    """
    words = reply.strip().split("\n")[0].split(" ")
    try:
        first, second = (float(word) for word in words)
    except ValueError:
        return None
    return first, second


def label(reply: str, key: str) -> str | None:
    """The value of `key` in a reply's JSON object, in lower case ("none" for null); None if there is none.

    Judges put text or a code fence around the object, or omit quotes; then the last `key: word` counts. Several words
    to choose from are the judge's instructions, and no value.
    """
    try:
        found: Any = json.loads(reply[reply.index("{") : reply.rindex("}") + 1])
    except ValueError:
        words = re.findall(_LABEL.format(key=key), reply)
        return words[-1].lower() if words else None
    if not isinstance(found, dict) or key not in found:
        return None
    value = str(found[key]).strip().lower()
    return None if re.match(rf"[a-z]++{_OTHERS}", value) else value


def _grades_on_scale(reply: str) -> tuple[float, float] | str:
    found = grades(reply)
    if found is None:
        return MALFORMED
    return found if on_scale(*found) else OFF_SCALE


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of the repeats that have a value, or the last one's reason."""
    values = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    return sum(values) / len(values) if values else outcomes[-1]
