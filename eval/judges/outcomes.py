"""What became of each answer: a value, or the reason why it has none. Reasons are counted, and never in a mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.benchmark import Verdict
from eval.items import Prediction
from eval.judges.store import standing

Outcome = float | str
Outcomes = dict[str, Outcome]
"""Item id -> value, or why there is none."""

NOT_ANSWERED = "without an answer"
NOT_JUDGED = "not judged"
MALFORMED = "with a malformed verdict"


def outcomes_of(
    lines: Sequence[Prediction],
    verdicts: Sequence[Verdict],
    read: Callable[[str], Outcome],
    kind: str,
    repeat: int = 0,
) -> Outcomes:
    """Read the verdict on each line's answer as it is now; `read` gets the judge's reply."""
    found = standing(verdicts, lines, kind, repeat)
    outcomes: Outcomes = {}
    for line in lines:
        item = line.item
        if line.error:
            outcomes[item] = NOT_ANSWERED
        else:
            outcomes[item] = read(found[item]["reply"]) if item in found else NOT_JUDGED
    return outcomes


def note_of(verdicts: Sequence[Verdict]) -> str:
    """Who judged and how, for the note of a score."""
    if not verdicts:
        return ""
    judge = verdicts[-1]["judge"]
    return f"judge {judge['model']}; {judge['instructions']}"
