"""How many answers of two runs are the same text, by language: what no metric of right and wrong shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.items import Predictions

HEAD = ["benchmark", "language", "answers of both", "the same text"]


@dataclass(frozen=True)
class SameAnswers:
    """Of one benchmark's items in one language that both runs answered: their number, and of the same answers."""

    benchmark: str
    language: str
    answered: int
    same: int


def same_answers(first: Predictions, second: Predictions) -> list[SameAnswers]:
    """Count the same answers of two runs of one benchmark by language; spaces around an answer do not count."""
    others = {line.item: line.output.strip() for line in second.lines if not line.error}
    by_language: dict[str, list[bool]] = {}
    for line in first.lines:
        if not line.error and line.item in others:
            by_language.setdefault(line.language, []).append(line.output.strip() == others[line.item])
    return [SameAnswers(first.name, one, len(found), sum(found)) for one, found in sorted(by_language.items())]


def same_table(counted: Sequence[SameAnswers]) -> list[list[str]]:
    """Return the rows, header first."""
    rows = [
        [one.benchmark, one.language, str(one.answered), f"{one.same} ({one.same / one.answered:.0%})"]
        for one in counted
    ]
    return [HEAD, *rows]
