"""The base of sources of English text: the files of a split, and samples of one question and one answer."""

import re
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.rows import Sample
from data_prep.sources.source import Source, conversation, wrong_choice
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.json_file import JsonTable
from data_prep.tables.parquet import ParquetTable
from data_prep.tables.table import Table

_PROMISED = re.compile(r"-of-(\d+)")


@dataclass(frozen=True, kw_only=True)
class TextSource(Source):
    """`path` is the folder of the downloaded source; an entry of a mixture reads one `split`."""

    SPLITS: ClassVar[tuple[str, ...]] = ("train", "validation", "test")

    path: str
    split: str = "train"

    @abstractmethod
    def patterns(self) -> tuple[str, ...]:
        """Glob patterns of the split's files, relative to `path`; the first pattern with a match is used."""

    def problems(self) -> list[str]:
        """An unknown split, and missing files."""
        found = wrong_choice("split", self.split, self.SPLITS)
        return found or missing("path", self.path, self.patterns())

    def files(self) -> list[Path]:
        """The split's files, sorted."""
        return first_found(self.path, self.patterns())

    def tables(self) -> list[Table]:
        """One table per file."""
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
    """The files of the first pattern with a match, sorted; none if the folder does not exist."""
    found = (sorted(path for path in Path(folder).glob(pattern) if path.is_file()) for pattern in patterns)
    return next((paths for paths in found if paths), [])


def missing(key: str, folder: str | Path, patterns: tuple[str, ...]) -> list[str]:
    """A problem for `Source.problems` unless a pattern matches files, and as many as their names ("-of-0000N") say."""
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
    """The table of a file by its suffix: Parquet, CSV, or else JSON."""
    if path.suffix == ".parquet":
        return ParquetTable(path)
    return CsvTable(path) if path.suffix == ".csv" else JsonTable(path)


def number_of(place: str) -> str:
    """The number of a place: "3" of "row 3"."""
    return place.rsplit(maxsplit=1)[-1]


def explained(answer: str, explanation: str) -> str:
    """The answer and, after a blank line, its explanation if there is one."""
    return "\n\n".join(text for text in (answer, explanation) if text)
