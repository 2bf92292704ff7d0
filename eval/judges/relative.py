"""The value of two grades: the candidate's over the reference's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.benchmark import Verdict
from eval.items import Prediction
from eval.judges.judged import PLAIN, SWAPPED
from eval.judges.outcomes import MALFORMED, Outcome, Outcomes, outcomes_of
from eval.judges.replies import grades, official_grades, on_scale

RELATIVE, OFFICIAL = "judge.relative", "judge.relative_official"
REPEATED, SWAPPED_ORDER = "judge.relative_repeated", "judge.relative_swapped"
OFF_SCALE = "with a verdict off the scale of 1 to 10"
OFFICIAL_STOPS = "with a verdict at which the official summary stops"
OFFICIAL_NO_NUMBER = "that the official summary turns into nan or infinity"
TINY = 1e-100
"""The official summary adds it to the reference's grade, so that a grade of 0 divides."""


def relative_outcomes(lines: Sequence[Prediction], verdicts: Sequence[Verdict]) -> dict[str, Outcomes]:
    """The ratio of every line under every metric that there are verdicts for."""
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
    """The ratio as the official summary takes it, off the scale or not."""
    found = official_grades(reply)
    if found is None:
        return OFFICIAL_STOPS
    value = found[1] / (found[0] + TINY)
    return value if math.isfinite(value) else OFFICIAL_NO_NUMBER


def _grades_on_scale(reply: str) -> tuple[float, float] | str:
    found = grades(reply)
    if found is None:
        return MALFORMED
    return found if on_scale(*found) else OFF_SCALE


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of the repeats that have a value, or the last one's reason."""
    values = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    return sum(values) / len(values) if values else outcomes[-1]
