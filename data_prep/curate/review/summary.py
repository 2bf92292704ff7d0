"""What the reviewers found: minor and major with intervals, by source, language and check, and how far they agree."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from data_prep.curate.review.agreement import Agreement, agreement
from data_prep.curate.review.curated import Brief, CuratedSet
from data_prep.curate.review.decisions import Decision, by_row, conflicts, decide
from data_prep.curate.review.store import VERDICTS, Verdict

PASSED, WAITED = "passed the checks", "wait for review"
_GROUPS: dict[str, Callable[[Brief], str]] = {
    "rows that": lambda row: WAITED if row.waits else PASSED,
    "source": lambda row: row.source,
    "language": lambda row: row.language,
    "check": lambda row: row.check,
}


@dataclass(frozen=True)
class Rate:
    """A share of the reviewed rows, with its 95% interval by Wilson's score (JASA 22, 1927), in 0 to 1."""

    count: int
    of: int

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count / self.of:.1%} ({low:.1%} to {high:.1%})"

    @property
    def interval(self) -> tuple[float, float]:
        """Its lower and upper bound."""
        from scipy.stats import binomtest  # takes seconds to import

        found = binomtest(self.count, self.of).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class Summary:
    """The review of a dataset.

    Attributes:
        of: rows of the dataset, and `parts` those that passed the checks and those that wait: of the first, reviewers
            see a random sample, of the second as a rule all.
        groups: reviewed, minor and major rows by what and value.
        seconds: the median time of a verdict.
        open: conflicts without an adjudicator's decision.
    """

    of: int
    parts: dict[str, int]
    counts: dict[str, int]
    groups: list[tuple[str, str, dict[str, int]]]
    roles: dict[str, str]
    agreements: list[Agreement]
    seconds: float
    differ: int
    open: int

    @property
    def reviewed(self) -> int:
        """Rows with a verdict."""
        return sum(self.counts.values())

    def sentence(self, names: bool = False) -> str:
        """In one sentence: how many rows, minor, major, by whom; apart for the rows that passed and those that wait."""
        if not self.reviewed:
            return f"reviewed 0 of {self.of} rows"
        said = [
            f"{sum(counts.values())} of {self.parts[part]} that {part}, {_rates(counts)}"
            for what, part, counts in self.groups
            if what == "rows that"
        ]
        return f"reviewed {self.reviewed} of {self.of} rows: {'; '.join(said)}; by {self.by(names)}"

    def by(self, names: bool = False) -> str:
        """The reviewers' roles with their numbers, or also their names."""
        roles = list(self.roles.values())
        if names:
            return ", ".join(f"{name} ({role})" for name, role in self.roles.items())
        return ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles))


def summarise(curated: CuratedSet, verdicts: list[Verdict], roles: dict[str, str]) -> Summary:
    """The summary of the verdicts on rows of the dataset. Where reviewers differ and nobody has decided, the gravest
    verdict counts.
    """
    verdicts = [one for one in verdicts if one.row in curated.by_id]
    decided = decide(verdicts)
    rows = [curated.by_id[row] for row in decided]
    given = [one for one in verdicts if one.verdict in VERDICTS]
    seconds = sorted(one.seconds for one in given)
    groups = [
        (what, value, _count(decided[row.id] for row in rows if of(row) == value))
        for what, of in _GROUPS.items()
        for value in sorted({of(row) for row in rows})
    ]
    gave = {one.reviewer for one in given}
    waiting = sum(row.waits for row in curated.rows)
    return Summary(
        of=len(curated.rows),
        parts={PASSED: len(curated.rows) - waiting, WAITED: waiting},
        counts=_count(decided.values()),
        groups=groups,
        roles={name: role for name, role in roles.items() if name in gave},
        agreements=agreed(verdicts),
        seconds=seconds[len(seconds) // 2] if seconds else 0.0,
        differ=len(conflicts(verdicts)),
        open=sum(not one.settled for one in decided.values()),
    )


def agreed(verdicts: Iterable[Verdict]) -> list[Agreement]:
    """How far reviewers agree, before any adjudicator."""
    own = [one for one in verdicts if not one.adjudicated and one.verdict in VERDICTS]
    reviewers = sorted({one.reviewer for one in own})
    lines = []
    for given in by_row(own).values():
        line: list[int | None] = [None] * len(reviewers)
        for one in given:
            line[reviewers.index(one.reviewer)] = VERDICTS.index(one.verdict)
        lines.append(line)
    return agreement(lines, len(VERDICTS))


def printed(summary: Summary) -> str:
    """The summary as lines of text, without names."""
    lines = [summary.sentence()]
    if not summary.reviewed:
        return lines[0]
    lines += [f"median time of a verdict: {summary.seconds:.0f} s", ""]
    for what, value, counts in summary.groups:
        lines.append(f"{what} {value}: {sum(counts.values())} reviewed, {_rates(counts)}")
    lines.append("")
    lines += [said(one) for one in summary.agreements] or ["agreement: no row has two reviewers' verdicts yet"]
    if summary.differ:
        lines.append(f"reviewers differ on {summary.differ} rows; {summary.open} wait for review --adjudicate")
    return "\n".join(lines)


def said(one: Agreement) -> str:
    """A coefficient with its interval."""
    if one.value is None or one.low is None or one.high is None:
        return f"{one.name}: not defined, since all verdicts on the {one.rows} rows of several reviewers are the same"
    return f"{one.name}: {one.value:.2f} ({one.low:.2f} to {one.high:.2f}) on {one.rows} rows"


def about(summary: Summary, names: bool) -> dict[str, Any]:
    """The entry of a manifest."""
    made: dict[str, Any] = {"result": summary.sentence(names), "reviewed": summary.reviewed, "of": summary.of}
    made |= {name: summary.counts[name] for name in VERDICTS}
    parts = {part: counts for what, part, counts in summary.groups if what == "rows that"}
    made["rows that"] = {part: {"of": summary.parts[part], **counts} for part, counts in parts.items()}
    made |= {"agreement": [said(one) for one in summary.agreements]} if summary.agreements else {}
    return made | {"conflicts": summary.differ}


def _rates(counts: dict[str, int]) -> str:
    reviewed = sum(counts.values())
    return f"minor {Rate(counts['minor'], reviewed)}, major {Rate(counts['major'], reviewed)}"


def _count(decisions: Iterable[Decision]) -> dict[str, int]:
    given = [one.verdict for one in decisions]
    return {name: given.count(name) for name in VERDICTS}
