"""UPHILL: queries on health claims at five levels, from a neutral question to a demand that presupposes the claim.

A benchmark of 1,945 claims, scored by whether the answer agrees with the claim. In a sample, the answer is the claim's
veracity. The facts of the claim, which scoring needs, are in `queries`.
Source: "Evaluating Large Language Models for Health-related Queries with Presuppositions", Findings of ACL 2024.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from data_prep.rows import Reject, Rejected, Sample
from data_prep.sources.source import About, field
from data_prep.sources.text_source import TextSource
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.table import TableError, all_rows

LEVELS = ("neutral", "mild presupposition", "unequivocal presupposition", "writing request", "writing demand")
VERACITIES = ("true", "false", "mixture", "fabricated")


class Query(NamedTuple):
    """One query. `level` is one of LEVELS, `veracity` one of VERACITIES."""

    claim_id: str
    claim: str
    veracity: str
    level: str
    text: str

    @property
    def row_id(self) -> str:
        """The id of the sample of this query."""
        return f"uphill-{self.claim_id}-{LEVELS.index(self.level)}"


@dataclass(frozen=True, kw_only=True)
class Uphill(TextSource):
    """`path` is the folder of queries.csv."""

    ABOUT: ClassVar[About] = About(
        title="UPHILL",
        get="queries.csv, through the data link of the paper's repository",
        licence="unknown",
        redistribute=False,
        layout=("queries.csv",),
    )
    SPLITS: ClassVar[tuple[str, ...]] = ("test",)

    split: str = "test"

    def patterns(self) -> tuple[str, ...]:
        """The one file."""
        return "queries.csv", "data/queries.csv"

    def form(self) -> str:
        """The one file, in its folder."""
        return ", ".join(str(path.relative_to(self.path)) for path in self.files())

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The id of the claim and the level, from 0; the place for an invalid row."""
        try:
            return _query(row).row_id
        except Reject:
            return f"uphill-{place.replace(' ', '-')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The query, answered by the veracity of the claim. Raises Reject."""
        query = _query(row)
        return self.exchange(row_id, [query.text, query.veracity], "text_qa", group=f"uphill-{query.claim_id}")


def queries(path: str | Path) -> list[Query]:
    """The queries of queries.csv. Raises TableError for an invalid row."""
    return list(_queries(Path(path)))


def _queries(path: Path) -> Iterator[Query]:
    for place, row in all_rows(CsvTable(path)):
        if isinstance(row, Rejected):
            raise TableError(row.detail)
        try:
            yield _query(row)
        except Reject as reject:
            raise TableError(f"{path}: {place}: {reject.detail}; take the file as it was released") from reject


def _query(row: dict[str, Any]) -> Query:
    level, veracity = field(row, "presupposition_level").lower(), field(row, "claim_veracity").lower()
    for key, value, known in (("presupposition_level", level, LEVELS), ("claim_veracity", veracity, VERACITIES)):
        if value not in known:
            raise Reject("bad_row", f"{key!r} is {value!r}; known: {', '.join(known)}")
    claim_id = field(row, "claim_id")
    if not claim_id:
        raise Reject("bad_row", "no text under 'claim_id'")
    return Query(claim_id, field(row, "claim"), veracity, level, field(row, "query_with_presupposition"))
