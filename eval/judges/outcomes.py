"""What became of each answer: a value, or the reason why it has none. Reasons are counted, and never in a mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from eval.benchmark import Verdict
from eval.items import Prediction
from eval.judges.store import standing
from eval.score import Score, Subgroup
from eval.statistics import mean_score

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


def values_of(outcomes: Mapping[str, Outcome]) -> dict[str, float | None]:
    """The values, with None for every reason."""
    return {item: None if isinstance(outcome, str) else float(outcome) for item, outcome in outcomes.items()}


def score_of(
    name: str,
    metric: str,
    outcomes: Mapping[str, Outcome],
    members: Collection[str] | None = None,
    *,
    subgroup: Subgroup | None = None,
    note: str = "",
) -> Score:
    """The mean over the items among `members` (None: all); the note tells how many are unscored, and why."""
    found = [outcome for item, outcome in outcomes.items() if members is None or item in members]
    reasons = Counter(outcome for outcome in found if isinstance(outcome, str))
    values = [None if isinstance(outcome, str) else float(outcome) for outcome in found]
    told = [f"{count} {reason}" for reason, count in sorted(reasons.items())]
    return replace(mean_score(name, metric, values, subgroup), note="; ".join(part for part in (*told, note) if part))


def note_of(verdicts: Sequence[Verdict]) -> str:
    """Who judged and how, for the note of a score."""
    if not verdicts:
        return ""
    judge = verdicts[-1]["judge"]
    return f"judge {judge['model']}; {judge['instructions']}"
