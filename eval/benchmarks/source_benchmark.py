"""Benchmarks that are the test split of a data source, read by the reader that the training data comes through too.

Arabic versions come from a file of the user's own, since no benchmark here ships any: arabic.jsonl in the benchmark's
folder, one object a line with `id` (the English item's), `question` and `answer`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep.rows import NOT_SELECTED, Loaded, Reject, Rejected, Sample
from data_prep.sources.source import Source
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import TableError, all_rows
from eval.benchmark import Benchmark
from eval.errors import EvalError, say
from eval.items import Item, Message

ARABIC_FILE = "arabic.jsonl"
ARABIC_COLUMNS = ("id", "question", "answer")


class SourceBenchmark(Benchmark):
    """The rows of one split of a source that stands in `FOLDER` below the root."""

    FOLDER: ClassVar[str]
    ARABIC: ClassVar[bool] = False
    """Whether arabic.jsonl is read where it is there."""

    @abstractmethod
    def source(self) -> Source:
        """The reader of the split."""

    def asked(self, item: Item) -> Item:
        """The item with its messages, and with the facts that its scorer needs; here the images, then the question.

        An Arabic version comes with the facts of its English item. Raises ValueError for a row that cannot be asked.
        """
        return replace(item, messages=question_turn(item.question, images=len(item.images)))

    @property
    def folder(self) -> Path:
        """Where the benchmark's files are."""
        return self.root / self.FOLDER

    @override
    def problems(self) -> list[str]:
        if not self.folder.is_dir():
            return [no_folder(self.folder, self.ABOUT.get, self.ABOUT.layout)]
        found = (problem.partition(": ")[2] for problem in self.source().problems())
        return [f"{problem}. Get it: {self.ABOUT.get}." for problem in found]

    @override
    def items(self) -> list[Item]:
        """One item a row, then their Arabic versions. Rows that cannot be asked are left out and told."""
        english = [self._item(sample) for sample in self.samples()]
        path = self.folder / ARABIC_FILE
        return [*english, *self._arabic(path, english)] if self.ARABIC and path.is_file() else english

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

    @override
    def image(self, name: str) -> bytes:
        return image_data(self.name, lambda: self._source.load(name))

    @cached_property
    def _source(self) -> Source:
        return self.source()

    def _item(self, sample: Sample) -> Item:
        texts = text_of_turn(sample, 0), text_of_turn(sample, 1)
        item = Item(sample.id, sample.language, sample.task, sample.modality, (), sample.images, *texts)
        return self._asked(item, f"Get it: {self.ABOUT.get}.")

    def _asked(self, item: Item, remedy: str) -> Item:
        try:
            return self.asked(item)
        except ValueError as error:
            raise EvalError(f"{self.folder}: {item.id}: {error}. {remedy}") from error

    def _arabic(self, path: Path, english: list[Item]) -> list[Item]:
        """The items of the file: an id is the English item's with "-ar" behind it, named under `facts.version_of`.

        Raises:
            EvalError: a line without the three texts, an id that no English item has, or a duplicate id.
        """
        known = {item.id: item for item in english}
        found: dict[str, Item] = {}
        for place, row in _rows_of(path):
            item_id, question, answer = (_text(path, place, row, column) for column in ARABIC_COLUMNS)
            if item_id not in known:
                raise EvalError(
                    f"{path}: {place}: no English item has the id {item_id!r}. Ids are those of the predictions."
                )
            if item_id in found:
                raise EvalError(f"{path}: {place}: the id {item_id!r} comes twice. Remove one of the lines.")
            version = replace(known[item_id], language="ar", question=question, gold=answer)
            asked = self._asked(version, f"Mend {ARABIC_FILE}.")
            found[item_id] = replace(asked, id=f"{item_id}-ar", facts={**asked.facts, "version_of": item_id})
        return list(found.values())

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
    """The problem of a benchmark whose folder is missing."""
    return f"{folder}: there is no such folder. Get it: {get}. Wanted in it: {'; '.join(layout)}."


def image_data(benchmark: str, load: Callable[[], Loaded]) -> bytes:
    """The file of an image of a benchmark. Raises EvalError if it is missing or cannot be read."""
    try:
        return load().data
    except (Reject, TableError, OSError) as error:
        raise EvalError(f"{benchmark}: {error}") from error


def tell_left_out(name: str, rows: int, left_out: list[Rejected]) -> None:
    """Say how many rows of a benchmark cannot be asked, why, and which is the first."""
    if left_out:
        counts = Counter(row.reason for row in left_out)
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        first = f"{left_out[0].id}: {left_out[0].detail}"
        say(f"{name}: {len(left_out)} of {rows} rows are left out ({reasons}); the first is {first}")


def text_of_turn(sample: Sample, turn: int) -> str:
    """The text of a turn of a row, from 0."""
    return "\n".join(part.get("text") or "" for part in sample.messages[turn]["content"] if part["type"] == "text")


def question_turn(text: str, images: int = 0, before: str = "") -> tuple[Message, ...]:
    """One user turn: a sentence before the images where there is one, the places of the images, the text."""
    first = [{"type": "text", "text": before}] if before else []
    parts = [*first, *({"type": "image"} for _ in range(images)), {"type": "text", "text": text}]
    return ({"role": "user", "content": parts},)


def _rows_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for place, row in all_rows(JsonTable(path)):
            if isinstance(row, Rejected):
                raise EvalError(f"{row.detail}. Mend that line.")
            yield place, row
    except TableError as error:
        raise EvalError(str(error)) from error


def _text(path: Path, place: str, row: dict[str, Any], column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str) or not value.strip():
        raise EvalError(f"{path}: {place}: no text under {column!r}. Each line needs {', '.join(ARABIC_COLUMNS)}.")
    return value.strip()
