"""What is decided on a row that reviewers have seen."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from data_prep.curate.review.store import SKIP, VERDICTS, Verdict


@dataclass(frozen=True)
class Decision:
    """The verdict on a row, and its texts as corrected, or None.

    Attributes:
        settled: false where reviewers differ and no adjudicator has decided; `verdict` is then the gravest.
        reviewers: who gave a verdict, the adjudicator included.
        reason: the reasons given for it.
    """

    verdict: str
    texts: tuple[str, ...] | None
    settled: bool
    reviewers: tuple[str, ...]
    reason: str

    @property
    def rejects(self) -> bool:
        """Whether the row has a major error that nobody corrected."""
        return self.verdict == "major" and self.texts is None


def by_row(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """The verdicts on each row, without those put off."""
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.verdict != SKIP:
            found[verdict.row].append(verdict)
    return found


def decide(verdicts: Iterable[Verdict]) -> dict[str, Decision]:
    """The decision on each row with a verdict, by its id."""
    return {row: _decision(given) for row, given in by_row(verdicts).items()}


def conflicts(verdicts: Iterable[Verdict]) -> list[str]:
    """The rows on which reviewers differ, in verdict or correction, whether an adjudicator has decided or not."""
    return [row for row, given in by_row(verdicts).items() if _differ([one for one in given if not one.adjudicated])]


def _decision(given: list[Verdict]) -> Decision:
    reviewers = tuple(sorted({one.reviewer for one in given}))
    final = [one for one in given if one.adjudicated][-1:]
    settled = bool(final) or not _differ(given)
    counted = final or given
    gravest = max(counted, key=lambda one: VERDICTS.index(one.verdict))
    texts = next((one.texts for one in counted if one.texts is not None), None) if settled else None
    reason = "; ".join(dict.fromkeys(one.reason for one in counted if one.reason))
    return Decision(gravest.verdict, texts, settled, reviewers, reason)


def _differ(given: list[Verdict]) -> bool:
    """Whether the verdicts differ, or the corrections of those who made one."""
    corrections = {one.texts for one in given if one.texts is not None}
    return len({one.verdict for one in given}) > 1 or len(corrections) > 1
