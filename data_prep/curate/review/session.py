"""One reviewer's way through the rows: which comes next, and what is kept of an answer of the page."""

import math
from dataclasses import dataclass
from typing import Any

from data_prep.curate.review.curated import CuratedSet, texts_of
from data_prep.curate.review.decisions import by_row
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.store import SKIP, VERDICTS, Store, Verdict, now
from data_prep.sources.source import PLACEHOLDER

_LONGEST = 1_000_000
"""Characters of an answer's texts together; more is no correction."""


@dataclass(frozen=True)
class Shown:
    """What the page shows.

    Attributes:
        row: the row's id; None where no row is left.
        message: what went wrong with the answer before, or empty.
        saved: the id of the row on which the reviewer has just decided; what was typed there need not be kept.
    """

    row: str | None
    message: str = ""
    saved: str = ""


class Session:
    """The rows of one reviewer, in order. Knows nothing of the page: `store` holds all that is to outlive it."""

    def __init__(
        self, curated: CuratedSet, store: Store, reviewer: str, rows: list[str], adjudicates: bool = False
    ) -> None:
        self.curated, self.store, self.reviewer = curated, store, reviewer
        self.rows, self.adjudicates = rows, adjudicates

    def first(self) -> Shown:
        """The first row without a verdict, then the first of those put off."""
        given = self.given()
        row = next((row for row in self.rows if row not in given), None)
        if row is None:
            skipped = sorted((one.at, one.row) for one in given.values() if one.verdict == SKIP)
            row = skipped[0][1] if skipped else None
        return Shown(row)

    def answer(self, data: dict[str, Any]) -> Shown:
        """Keep what the reviewer did on a row, and go on; nothing is kept of an answer that is told as wrong."""
        row, action = data.get("row"), data.get("action")
        if row is not None and row not in self.rows:
            return self.first()
        if action == "back":
            at = len(self.rows) if row is None else self.rows.index(row)
            return Shown(self.rows[max(at - 1, 0)] if self.rows else None)
        if row is None:
            return self.first()
        try:
            self.store.put(self._verdict(row, data))
        except ReviewError as error:
            return Shown(row, message=f"Not kept: {error}")
        return Shown(self.first().row, saved="" if data["verdict"] == SKIP else row)

    def given(self) -> dict[str, Verdict]:
        """The reviewer's verdicts on these rows."""
        wanted = set(self.rows)
        mine = self.store.verdicts(self.reviewer)
        return {one.row: one for one in mine if one.row in wanted and one.adjudicated == self.adjudicates}

    def others(self, row: str) -> list[Verdict]:
        """The reviewers' verdicts on a row, for an adjudicator only."""
        if not self.adjudicates:
            return []
        return [one for one in by_row(self.store.verdicts()).get(row, []) if not one.adjudicated]

    def _verdict(self, row: str, data: dict[str, Any]) -> Verdict:
        verdict = data.get("verdict")
        texts, reason, seconds = data.get("texts"), data.get("reason", ""), data.get("seconds", 0)
        if verdict not in (*VERDICTS, SKIP):
            raise ReviewError(f"verdict {verdict!r}; known: {', '.join((*VERDICTS, SKIP))}")
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in [*texts, reason]):
            raise ReviewError("the texts are incomplete; reload the page")
        if not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise ReviewError("the time is no number; reload the page")
        made = None if verdict == SKIP else self._changed(row, [text.strip() for text in texts])
        return Verdict(
            reviewer=self.reviewer,
            row=row,
            verdict=verdict,
            reason=reason.strip(),
            texts=made,
            seconds=max(0.0, float(seconds)),
            at=now(),
            adjudicated=self.adjudicates,
        )

    def _changed(self, row: str, texts: list[str]) -> tuple[str, ...] | None:
        """The corrected texts, or None if they are the row's own."""
        old = texts_of(self.curated.row(row)["messages"])
        if len(texts) != len(old):
            raise ReviewError("the texts are incomplete; reload the page")
        if [text.replace("\r\n", "\n") for text in old] == texts:
            return None
        if sum(map(len, texts)) > _LONGEST:
            raise ReviewError(f"the texts have more than {_LONGEST:,} characters")
        for number, text in enumerate(texts, start=1):
            if not text:
                raise ReviewError(f"text {number} is empty; to leave the row out, give the verdict major unchanged")
            if PLACEHOLDER in text:
                raise ReviewError(f"text {number}: {PLACEHOLDER} marks the place of an image; write it otherwise")
        return tuple(texts)
