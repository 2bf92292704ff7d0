"""A dataset folder that `curate` has written, as reviewers see it: its rows with their originals and findings."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data_prep import manifest
from data_prep.curate.produce import LINES
from data_prep.curate.review.errors import ReviewError
from data_prep.rows import Message
from data_prep.shards import rows_at, split_of
from data_prep.sources.dataset import REVIEW

NO_FINDING = "no finding"


@dataclass(frozen=True)
class Brief:
    """What sampling and summary need to know of a row.

    Attributes:
        number: of the row, from 0 over all shards in the order of the manifest.
        checks: the checks that found something, each once.
        waits: whether the row is in the split `review`.
    """

    number: int
    id: str
    source: str
    modality: str
    language: str
    checks: tuple[str, ...]
    waits: bool

    @property
    def check(self) -> str:
        """The first check that found something, or NO_FINDING."""
        return self.checks[0] if self.checks else NO_FINDING


class CuratedSet:
    """A dataset folder with curation.jsonl. `rows` are in the order of the shards; texts are read when asked for.

    Raises ManifestError if the folder holds no complete dataset, and ReviewError if no step of curation wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = manifest.read(folder)
        self._path = folder / LINES
        if "curation" not in self.manifest or not self._path.is_file():
            raise ReviewError(
                f"{folder}: a dataset without {LINES}: no step of curation wrote it, so there is nothing to compare "
                "its rows with; make one with: python -m data_prep curate STEP.yml --out DIR"
            )
        self._offsets, checks = self._read_lines()
        self.rows = self._briefs(checks)
        self.by_id = {row.id: row for row in self.rows}
        lost = [row.id for row in self.rows if row.id not in self._offsets]
        if lost:
            raise ReviewError(f"{self._path}: no line for {len(lost)} rows, the first {lost[0]!r}; make {folder} again")

    @property
    def dataset(self) -> str:
        """The digest of what the dataset was made from; verdicts carry it."""
        return str(self.manifest["inputs"])

    def row(self, row_id: str) -> dict[str, Any]:
        """The row as it is in its shard."""
        shards = {name: entry["rows"] for name, entry in self.manifest["shards"].items()}
        return next(rows_at(self.folder, shards, [self.by_id[row_id].number]))

    def line(self, row_id: str) -> dict[str, Any]:
        """The row's line of curation.jsonl."""
        with self._path.open("rb") as file:
            file.seek(self._offsets[row_id])
            line: dict[str, Any] = json.loads(file.readline())
        return line

    def _read_lines(self) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
        """Offset and failed checks of each line, by the row's id."""
        offsets: dict[str, int] = {}
        checks: dict[str, tuple[str, ...]] = {}
        offset = 0
        with self._path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                try:
                    line = json.loads(text)
                    row_id = line["id"]
                    checks[row_id] = tuple(dict.fromkeys(finding["check"] for finding in line["findings"]))
                except (ValueError, KeyError, TypeError) as error:
                    raise ReviewError(
                        f"{self._path}, line {number}: not a line of a curated row; make the set again"
                    ) from error
                offsets[row_id] = offset
                offset += len(text)
        return offsets, checks

    def _briefs(self, checks: dict[str, tuple[str, ...]]) -> list[Brief]:
        made: list[Brief] = []
        for shard in self.manifest["shards"]:
            waits = split_of(shard) == REVIEW
            table = pq.read_table(self.folder / shard, columns=["id", "source", "modality", "language"])
            for row in table.to_pylist():
                made.append(Brief(number=len(made), **row, checks=checks.get(row["id"], ()), waits=waits))
        return made


def texts_of(messages: list[Message]) -> list[str]:
    """The texts of a row that a reviewer may correct, one a text part, in order, without the space around them."""
    return [(part.get("text") or "").strip() for message in messages for part in message["content"] if _is_text(part)]


def with_texts(messages: list[Message], texts: list[str]) -> list[Message]:
    """The messages with these texts in the place of those of `texts_of`; the space around a changed text stays."""
    given = iter(texts)
    made: list[Message] = []
    for message in messages:
        content = [
            {**part, "text": _inside(part.get("text") or "", next(given))} if _is_text(part) else part
            for part in message["content"]
        ]
        made.append({**message, "content": content})  # type: ignore[typeddict-item]
    return made


def _is_text(part: Any) -> bool:
    return part["type"] == "text" and bool((part.get("text") or "").strip())


def _inside(old: str, new: str) -> str:
    start = len(old) - len(old.lstrip())
    return old[:start] + new.strip() + old[len(old.rstrip()) :]
