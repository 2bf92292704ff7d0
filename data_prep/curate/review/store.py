"""The verdicts of all reviewers of one dataset, in one SQLite file that several pages may write at once."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.sample import Plan

VERDICTS = ("none", "minor", "major")
"""No error; one of wording, format or style; a wrong clinical term or a misreading: the categories of BiMediX2's own
review (arXiv:2412.07769, section on translation)."""
SKIP = "skip"
"""Put off: the row is shown again after the others."""

_LONGEST_NAME = 100
NAME_RULE = f"a name has 1 to {_LONGEST_NAME} printable characters, without line breaks"
_BUSY_SECONDS = 30
_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS reviewers (name TEXT PRIMARY KEY, role TEXT NOT NULL, part INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS verdicts (
    reviewer TEXT NOT NULL, row TEXT NOT NULL, adjudicated INTEGER NOT NULL, verdict TEXT NOT NULL,
    reason TEXT NOT NULL, texts TEXT, seconds REAL NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (reviewer, row, adjudicated)
) STRICT;
"""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one reviewer says of one row.

    Attributes:
        verdict: one of VERDICTS, or SKIP.
        texts: the row's texts as corrected, all of them; None if the reviewer changed none.
        seconds: that the row was open.
        at: time in ISO format, UTC.
        adjudicated: whether it decides between reviewers who differ.
    """

    reviewer: str
    row: str
    verdict: str
    reason: str = ""
    texts: tuple[str, ...] | None = None
    seconds: float = 0.0
    at: str = ""
    adjudicated: bool = False


class Store:
    """The file of verdicts of the dataset with the digest `dataset`; made if it is not there.

    A verdict is on disk when `put` returns. Raises ReviewError for a file of another dataset, one that is no such file,
    and one that cannot be written.
    """

    def __init__(self, path: Path, dataset: str) -> None:
        self.path = path
        with self._open() as file:
            file.execute("PRAGMA journal_mode=WAL")
            file.executescript(_TABLES)
            file.execute("INSERT OR IGNORE INTO about VALUES ('dataset', ?)", (dataset,))
            found = file.execute("SELECT value FROM about WHERE key = 'dataset'").fetchone()[0]
        if found != dataset:
            raise ReviewError(
                f"{path}: verdicts on another dataset (its digest starts with {found[:12]}, this one's with "
                f"{dataset[:12]}); give the file of this dataset, or another --reviews to start anew"
            )

    def plan(self, given: dict[str, Any], default: Plan) -> Plan:
        """The plan of all reviewers of the file: that of the first, for whom `given` replaces parts of the default.

        Raises ReviewError if `given` says otherwise than the plan.
        """
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            first = json.dumps(asdict(replace(default, **given)))
            file.execute("INSERT OR IGNORE INTO about VALUES ('plan', ?)", (first,))
            found = file.execute("SELECT value FROM about WHERE key = 'plan'").fetchone()[0]
            file.execute("COMMIT")
        kept = Plan(**json.loads(found))
        if replace(kept, **given) != kept:
            said = ", ".join(f"--{key} {value}" for key, value in asdict(kept).items() if value is not None)
            raise ReviewError(f"{self.path}: begun with {said}; leave these options out, or give another --reviews")
        return kept

    def register(
        self, name: str, role: str | None, part: int | None = None, draws: bool = True, default: str = "reviewer"
    ) -> int:
        """Note a reviewer, and return the number of the part of the sample, from 0; by default the next free one.

        `role` None leaves the role as it is, that of a new reviewer is `default`. With `draws` false, as for an
        adjudicator, no part is taken.
        """
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            known = file.execute("SELECT part FROM reviewers WHERE name = ?", (name,)).fetchone()
            if known is None:
                file.execute("INSERT INTO reviewers VALUES (?, ?, NULL)", (name, role or default))
            elif role is not None:
                file.execute("UPDATE reviewers SET role = ? WHERE name = ?", (role, name))
            if draws and part is None:
                part = known[0] if known else None
            if draws and part is None:
                part = file.execute("SELECT COALESCE(MAX(part) + 1, 0) FROM reviewers").fetchone()[0]
            if draws:
                file.execute("UPDATE reviewers SET part = ? WHERE name = ?", (part, name))
            file.execute("COMMIT")
        return part or 0

    def roles(self) -> dict[str, str]:
        """The role of each reviewer."""
        with self._open() as file:
            return dict(file.execute("SELECT name, role FROM reviewers ORDER BY name").fetchall())

    def put(self, verdict: Verdict) -> None:
        """Keep a verdict, in the place of an earlier one by the same reviewer on the same row."""
        self.put_all([verdict])

    def put_all(self, verdicts: list[Verdict]) -> None:
        """Keep verdicts, all or none."""
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            file.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_cells, verdicts))
            file.execute("COMMIT")

    def verdicts(self, reviewer: str | None = None) -> list[Verdict]:
        """All verdicts, or one reviewer's, in the order in which they were given."""
        where, values = ("WHERE reviewer = ?", (reviewer,)) if reviewer is not None else ("", ())
        with self._open() as file:
            found = file.execute(f"SELECT * FROM verdicts {where} ORDER BY at, reviewer, row", values).fetchall()
        return [_verdict(*cells) for cells in found]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each call: pages answer in several threads and processes."""
        try:
            file = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise ReviewError(f"{self.path}: cannot be opened ({error}); give another --reviews") from error
        try:
            file.execute("PRAGMA synchronous=FULL")
            yield file
        except sqlite3.Error as error:
            raise ReviewError(
                f"{self.path}: {error}; nothing of this was kept. Is the disk full, or is it another kind of file?"
            ) from error
        finally:
            file.close()


def is_name(text: str) -> bool:
    """Whether a reviewer may be called so: any script and any sign is fine that can be seen and typed."""
    return text == text.strip() and 0 < len(text) <= _LONGEST_NAME and text.isprintable()


def now() -> str:
    """The time, as verdicts carry it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _cells(verdict: Verdict) -> tuple[Any, ...]:
    texts = None if verdict.texts is None else json.dumps(verdict.texts, ensure_ascii=False)
    return (
        *(verdict.reviewer, verdict.row, int(verdict.adjudicated), verdict.verdict),
        *(verdict.reason, texts, float(verdict.seconds), verdict.at),
    )


def _verdict(reviewer: str, row: str, adjudicated: int, verdict: str, *rest: Any) -> Verdict:
    reason, texts, seconds, at = rest
    return Verdict(
        reviewer=reviewer,
        row=row,
        verdict=verdict,
        reason=reason,
        texts=None if texts is None else tuple(json.loads(texts)),
        seconds=seconds,
        at=at,
        adjudicated=bool(adjudicated),
    )
