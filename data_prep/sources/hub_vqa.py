"""The base of sources of questions on images that are there as the original's files, or as a dataset of the Hub.

A row of the Hub's dataset has neither an id nor the name of its image. Its number in the split, over all files, gives
both, so that they are the same in every form: an image is named "SPLIT#ROW". One with many questions has many names,
and is recognised by its bytes.
"""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Loaded, Reject, Rejected
from data_prep.sources import hub, split_files
from data_prep.sources.source import Source, wrong_choice, wrong_file
from data_prep.sources.split_files import Files
from data_prep.tables.arrow_stream import ArrowStreamTable, streamed_image
from data_prep.tables.parquet import ParquetTable, image_bytes
from data_prep.tables.table import Mark, PlacedRows, Table, TableError

_COLUMNS = ["question", "answer"]


class Shard(Table):
    """One of the files of a split; a row is {"question", "answer", "_row": its number in the split, from 0}."""

    def __init__(self, paths: tuple[Path, ...], number: int) -> None:
        self.path = paths[number]
        self._before = paths[:number]
        self._table = _table(self.path)

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        return self._table.marks(every)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        """The rows without their images. Raises TableError for a file without images."""
        first = sum(map(_count, self._before))
        for place, row in self._table.rows(start, count):
            if isinstance(row, Rejected):
                yield place, row
                continue
            if "_row" not in row:
                raise TableError(f"{self.path}: no images are embedded; download the file from the Hub again")
            yield place, {**row, "_row": first + row["_row"]}


@dataclass(frozen=True, kw_only=True)
class HubVqa(Source):
    """`path` is the folder of either layout, and an entry of a mixture reads one `split`."""

    SPLITS: ClassVar[tuple[str, ...]]

    path: str
    split: str = "train"

    @property
    def folder(self) -> Path:
        """The folder of the source's files."""
        return hub.folder(self.path)

    @abstractmethod
    def original(self) -> list[Files]:
        """The original's files, as a list of one form, or of none."""

    @abstractmethod
    def wanted(self) -> str:
        """The files of which one form is wanted, for a message."""

    def problems(self) -> list[str]:
        """An unknown split, and missing files."""
        found = wrong_choice("split", self.split, self.SPLITS)
        place = hub.locate(self.path)
        if found or place.wrong:
            return found or [f"path: {place.wrong}"]
        if self._chosen is None:
            return [f"path: {self.path}: neither {self.wanted()}; get it: {self.ABOUT.get}"]
        return [f"path: {self._chosen.wrong}"] if self._chosen.wrong else []

    def form(self) -> str:
        """The form that is read, and those that are not."""
        return split_files.said(self._forms)

    @property
    def is_original(self) -> bool:
        """Whether the original's files are read."""
        return self._chosen is not None and self._chosen in self.original()

    def shards(self) -> list[Table]:
        """One table per file of the Hub's dataset."""
        return [Shard(self.paths, number) for number in range(len(self.paths))]

    def image_name(self, row: dict[str, Any]) -> str:
        """The name of the image embedded in a row."""
        return f"{self.split}#{row['_row']}"

    def image_place(self) -> str | None:
        """The original's folder of images, or the files with the embedded ones."""
        return super().image_place() or ", ".join(str(path.resolve()) for path in self.paths)

    def has_image(self, name: str) -> bool:
        """Whether the original's folder has it, or the split the row that embeds it."""
        return super().has_image(name) if self._images is not None else 0 <= _row_of(name) < self._starts[-1]

    def load(self, name: str) -> Loaded:
        """An image file of the original, or the image embedded in a row. Raises Reject."""
        if self._images is not None:
            return super().load(name)
        row = _row_of(name)
        if not self.has_image(name):
            raise Reject("missing_image", f"{name}: the split has {self._starts[-1]} rows")
        file = bisect_right(self._starts, row) - 1
        path = self.paths[file]
        read = streamed_image if path.suffix == ".arrow" else image_bytes
        return Loaded(read(path, row - self._starts[file]))

    @cached_property
    def _forms(self) -> list[Files]:
        return [*self.original(), *split_files.on_the_hub(hub.locate(self.path), (self.split,))]

    @cached_property
    def _chosen(self) -> Files | None:
        return split_files.choose(self._forms)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the form that is read."""
        return self._chosen.paths if self._chosen else ()

    @cached_property
    def _starts(self) -> list[int]:
        """The number of rows before each file of the split, and the total number of rows."""
        return list(accumulate(map(_count, self.paths), initial=0))


def _row_of(name: str) -> int:
    """The row of the split that an image is embedded in."""
    return int(name.rpartition("#")[2])


def table_and_images(form: str, table: Path, images: list[Path]) -> list[Files]:
    """An original of one table and folders or archives of images, as a list of one form, or of none."""
    if not (table.is_file() or table.is_symlink()):
        return []
    wrong = [*wrong_file("", table), *ImageFolder(*images).problems("")]
    return [Files(form, (table,), wrong[0].removeprefix(": ") if wrong else "")]


def _table(path: Path) -> ParquetTable | ArrowStreamTable:
    return ArrowStreamTable(path, _COLUMNS) if path.suffix == ".arrow" else ParquetTable(path, _COLUMNS)


def _count(path: Path) -> int:
    *_, end = _table(path).marks(1 << 60)
    return end.row
