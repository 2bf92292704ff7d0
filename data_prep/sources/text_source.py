"""What the readers of English text without images share: a split's files, and one question with one answer."""

import re
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.rows import Sample
from data_prep.sources.base import Source, conversation, wrong_choice
from data_prep.tables.base import Table
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.json_file import JsonTable
from data_prep.tables.parquet import ParquetTable

_PROMISED = re.compile(r"-of-(\d+)")


@dataclass(frozen=True, kw_only=True)
class TextSource(Source):
    """`path` is the folder that the source's download leaves; one entry of a mixture reads one `split` of it."""

    SPLITS: ClassVar[tuple[str, ...]] = ("train", "validation", "test")

    path: str
    split: str = "train"

    @abstractmethod
    def patterns(self) -> tuple[str, ...]:
        """Where the split's files may be, relative to `path`: the first pattern that finds any decides."""

    def problems(self) -> list[str]:
        """An unknown split, and files that are not there."""
        found = wrong_choice("split", self.split, self.SPLITS)
        return found or missing("path", self.path, self.patterns())

    def files(self) -> list[Path]:
        """The split's files, sorted."""
        return first_found(self.path, self.patterns())

    def tables(self) -> list[Table]:
        """One table a file."""
        return [table_of(path) for path in self.files()]

    def exchange(self, row_id: str, turns: list[str], task: str, group: str = "") -> Sample:
        """One question and its answer as a sample."""
        return Sample(
            id=row_id,
            language="en",
            task=task,
            modality="text",
            messages=conversation(turns, images=0),
            licence=self.terms,
            group=group,
        )


def first_found(folder: str | Path, patterns: tuple[str, ...]) -> list[Path]:
    """The files of the first pattern that finds any, sorted; none of a folder that is not there."""
    found = (sorted(path for path in Path(folder).glob(pattern) if path.is_file()) for pattern in patterns)
    return next((paths for paths in found if paths), [])


def missing(key: str, folder: str | Path, patterns: tuple[str, ...]) -> list[str]:
    """A problem for `Source.problems` unless one of the patterns finds files, and as many as their names promise."""
    if not Path(folder).is_dir():
        return [f"{key}: {folder}: there is no such folder"]
    found = first_found(folder, patterns)
    if not found:
        return [f"{key}: {folder} has none of {', '.join(patterns)}"]
    promised = _PROMISED.search(found[0].name)
    if promised and len(found) != int(promised[1]):
        some = f"{len(found)} of {int(promised[1])} files like {found[0].name}"
        return [f"{key}: {found[0].parent} has {some}; download the others"]
    return []


def table_of(path: Path) -> Table:
    """The table of a file, by its suffix; JSON of either kind for what is neither Parquet nor CSV."""
    if path.suffix == ".parquet":
        return ParquetTable(path)
    return CsvTable(path) if path.suffix == ".csv" else JsonTable(path)


def number_of(place: str) -> str:
    """The number of a place: "3" of "row 3"."""
    return place.rsplit(maxsplit=1)[-1]


def explained(answer: str, explanation: str) -> str:
    """The answer and, after a blank line, its explanation where there is one."""
    return "\n\n".join(text for text in (answer, explanation) if text)
