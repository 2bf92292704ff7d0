"""The base of sources of English text: the files of a split, and samples of one question and one answer."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from data_prep.rows import Sample
from data_prep.sources import hub, split_files
from data_prep.sources.source import Source, conversation, wrong_choice
from data_prep.sources.split_files import Files
from data_prep.tables.arrow_stream import ArrowStreamTable
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.json_file import JsonTable
from data_prep.tables.parquet import ParquetTable
from data_prep.tables.table import Table


@dataclass(frozen=True, kw_only=True)
class TextSource(Source):
    """`path` is the folder of the downloaded source; an entry of a mixture reads one `split`."""

    SPLITS: ClassVar[tuple[str, ...]] = ("train", "validation", "test")

    path: str
    split: str = "train"

    @abstractmethod
    def patterns(self) -> tuple[str, ...]:
        """Glob patterns of the split's files, relative to `path`; the first with a complete match is used."""

    def hub_splits(self) -> tuple[str, ...]:
        """The names of the split in datasets of the Hub; none if no such dataset is read."""
        return ()

    def problems(self) -> list[str]:
        """An unknown split, and missing files."""
        found = wrong_choice("split", self.split, self.SPLITS)
        return found or problems_of("path", self.path, self.patterns(), self._forms)

    def form(self) -> str:
        """The form that is read, and those that are not."""
        return split_files.said(self._forms)

    def files(self) -> list[Path]:
        """The split's files, sorted."""
        return paths_of(self._forms)

    def tables(self) -> list[Table]:
        """One table per file."""
        return [table_of(path) for path in self.files()]

    @cached_property
    def _forms(self) -> list[Files]:
        return forms_at(self.path, self.patterns(), self.hub_splits())

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


def forms_at(
    path: str | Path, patterns: tuple[str, ...], splits: tuple[str, ...] = (), configuration: str = ""
) -> list[Files]:
    """The forms of a split at a path: the files of each pattern, then those of a dataset of the Hub."""
    place = hub.locate(path)
    found = [form for pattern in patterns for form in split_files.matching(place.folder, pattern)]
    if splits:
        found += split_files.on_the_hub(place, splits, configuration)
    return [one for number, one in enumerate(found) if not any(one.paths == other.paths for other in found[:number])]


def problems_of(key: str, path: str | Path, patterns: tuple[str, ...], forms: list[Files]) -> list[str]:
    """What is wrong with the chosen form, in the form of `Source.problems`; `patterns` say what is wanted."""
    chosen, wrong = split_files.choose(forms), hub.locate(path).wrong
    if wrong:
        return [f"{key}: {wrong}"]
    if not Path(path).is_dir():
        return [f"{key}: {path}: there is no such folder"]
    if chosen is None:
        return [f"{key}: {path} has none of {', '.join(patterns)}"]
    return [f"{key}: {chosen.wrong}"] if chosen.wrong else []


def paths_of(forms: list[Files]) -> list[Path]:
    """The files of the chosen form; none if there is no form."""
    chosen = split_files.choose(forms)
    return [*chosen.paths] if chosen else []


def first_found(folder: str | Path, patterns: tuple[str, ...]) -> list[Path]:
    """The files of the first pattern with a complete match, or else with any, sorted; none without a match."""
    return paths_of(forms_at(folder, patterns))


def missing(key: str, folder: str | Path, patterns: tuple[str, ...]) -> list[str]:
    """A problem for `Source.problems` unless a pattern matches files, and as many as their names ("-of-0000N") say."""
    return problems_of(key, folder, patterns, forms_at(folder, patterns))


def table_of(path: Path) -> Table:
    """The table of a file by its suffix: Parquet, an Arrow stream, CSV, TSV, or else JSON."""
    if path.suffix == ".arrow":
        return ArrowStreamTable(path)
    if path.suffix == ".parquet":
        return ParquetTable(path)
    if path.suffix == ".tsv":
        return CsvTable(path, "\t")
    return CsvTable(path) if path.suffix == ".csv" else JsonTable(path)


def number_of(place: str) -> str:
    """The number of a place: "3" of "row 3"."""
    return place.rsplit(maxsplit=1)[-1]


def explained(answer: str, explanation: str) -> str:
    """The answer and, after a blank line, its explanation if there is one."""
    return "\n\n".join(text for text in (answer, explanation) if text)
