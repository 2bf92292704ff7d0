"""Benchmarks that are the test split of a data source, read by the reader that the training data comes through too."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from data_prep.rows import NOT_SELECTED, Reject, Rejected, Sample
from data_prep.sources.base import Source
from data_prep.tables.base import TableError, all_rows
from eval.benchmark import Benchmark
from eval.errors import EvalError
from eval.items import Item, Message
from eval.progress import say


class SourceBenchmark(Benchmark):
    """The rows of one split of a source that stands in `FOLDER` below the root."""

    FOLDER: ClassVar[str]

    @abstractmethod
    def source(self) -> Source:
        """The reader of the split."""

    @abstractmethod
    def item(self, sample: Sample) -> Item:
        """The item of one row."""

    @property
    def folder(self) -> Path:
        """Where the benchmark's files are."""
        return self.root / self.FOLDER

    def problems(self) -> list[str]:
        """As Benchmark says."""
        if not self.folder.is_dir():
            return [no_folder(self.folder, self.ABOUT.get, self.ABOUT.layout)]
        found = (problem.partition(": ")[2] for problem in self.source().problems())
        return [f"{problem}. Get it: {self.ABOUT.get}." for problem in found]

    def items(self) -> list[Item]:
        """As Benchmark says. Rows that cannot be asked are left out and told."""
        return [self.item(sample) for sample in self.samples()]

    def samples(self) -> list[Sample]:
        """The rows of the split, in the order of its files.

        Raises:
            EvalError: a file cannot be read, or none of its rows can be used.
        """
        samples: list[Sample] = []
        left_out: list[Rejected] = []
        for row in self._rows():
            if isinstance(row, Sample):
                samples.append(row)
            elif row.reason != NOT_SELECTED:
                left_out.append(row)
        if not samples:
            why = f"the first is {left_out[0].id}: {left_out[0].detail}" if left_out else "it has no rows"
            raise EvalError(
                f"{self.folder}: no row of {self.ABOUT.title} can be used; {why}. Get it: {self.ABOUT.get}."
            )
        tell_left_out(self.name, len(samples) + len(left_out), left_out)
        return samples

    def image(self, name: str) -> bytes:
        """As Benchmark says."""
        try:
            return self._source.load(name).data
        except (Reject, TableError, OSError) as error:
            raise EvalError(f"{self.name}: {error}") from error

    @cached_property
    def _source(self) -> Source:
        return self.source()

    def _rows(self) -> Iterator[Sample | Rejected]:
        try:
            for table in self._source.tables():
                for place, row in all_rows(table):
                    if isinstance(row, Rejected):
                        yield row
                        continue
                    row_id = self._source.row_id(place, row)
                    try:
                        sample = self._source.sample(row_id, row)
                    except Reject as reject:
                        yield Rejected(row_id, reject.reason, reject.detail)
                        continue
                    if sample is not None:
                        yield sample
        except (TableError, OSError) as error:
            raise EvalError(f"{self.name}: {error}") from error


def no_folder(folder: Path, get: str, layout: tuple[str, ...]) -> str:
    """The problem of a benchmark whose folder is not there."""
    return f"{folder}: there is no such folder. Get it: {get}. Wanted in it: {'; '.join(layout)}."


def tell_left_out(name: str, rows: int, left_out: list[Rejected]) -> None:
    """Say how many rows of a benchmark cannot be asked, why, and which is the first."""
    if left_out:
        reasons = ", ".join(
            f"{count} {reason}" for reason, count in sorted(Counter(r.reason for r in left_out).items())
        )
        first = f"{left_out[0].id}: {left_out[0].detail}"
        say(f"{name}: {len(left_out)} of {rows} rows are left out ({reasons}); the first is {first}")


def said(sample: Sample, turn: int) -> str:
    """The text of a turn of a row, from 0."""
    return "\n".join(part.get("text") or "" for part in sample.messages[turn]["content"] if part["type"] == "text")


def question_turn(text: str, images: int = 0) -> tuple[Message, ...]:
    """One user turn: the places of the images, then the text."""
    parts = [{"type": "image"}] * images
    return ({"role": "user", "content": [*parts, {"type": "text", "text": text}]},)
