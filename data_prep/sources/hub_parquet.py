"""A split in the format of the Hugging Face Hub: data/SPLIT-00000-of-0000N[-…].parquet, with embedded images.

A row has neither an id nor the name of its image. The id is made from the indices of the file and of the row, and the
image is named "FILE.parquet#ROW": an image with many questions has many names, and is recognised by its bytes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_prep.rows import Loaded, Rejected
from data_prep.tables.parquet import ParquetTable, image_bytes
from data_prep.tables.table import Mark, TableError

_NUMBERS = re.compile(r"-(\d+)-of-(\d+)")


class Shard(ParquetTable):
    """One file of a split; a row is {"question", "answer", "_file": the file's name, "_row": its number from 0}."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, ["question", "answer"])

    def rows(self, start: Mark, count: int) -> Iterator[tuple[str, dict[str, Any] | Rejected]]:
        """The rows without their images. Raises TableError for a file without images."""
        for place, row in super().rows(start, count):
            if isinstance(row, Rejected):
                yield place, row
                continue
            if "_row" not in row:
                raise TableError(f"{self.path}: no images are embedded; download the file from the Hub again")
            yield place, {**row, "_file": self.path.name}


def shards(folder: Path, split: str) -> list[Path]:
    """The files of a split, in order; none if the folder has another layout."""
    return sorted(_folder(folder).glob(f"{split}-*-of-*.parquet"))


def shard_problems(folder: Path, split: str) -> list[str]:
    """What is wrong with the files of a split, in the form of `Source.problems`."""
    found = shards(folder, split)
    numbers = [_numbers(path.name) for path in found]
    wanted = numbers[0][1] if numbers else 0
    if numbers == [(number, wanted) for number in range(wanted)]:
        return []
    files = ", ".join(path.name for path in found)
    return [
        f"path: {_folder(folder)}: the split {split!r} wants {wanted} Parquet files of one release, "
        f"and there are {len(found)} ({files}); download them again into an empty folder"
    ]


def row_number(row: dict[str, Any]) -> str:
    """The indices of the row's file and of the row in it, both from 0: "3-124"."""
    return f"{_numbers(row['_file'])[0]}-{row['_row']}"


def image_name(row: dict[str, Any]) -> str:
    """The name of the row's image."""
    return f"{row['_file']}#{row['_row']}"


def place(folder: Path) -> str:
    """The folder of the files itself, whatever links and relative paths lead to it."""
    return f"{_folder(folder).resolve()}/*.parquet"


def image(folder: Path, name: str) -> Loaded:
    """The bytes of an image, by its name. Raises Reject."""
    file, _, row = name.rpartition("#")
    return Loaded(image_bytes(_folder(folder) / file, int(row)))


def _folder(folder: Path) -> Path:
    return folder / "data" if (folder / "data").is_dir() else folder


def _numbers(file: str) -> tuple[int, int]:
    found = _NUMBERS.search(file)
    return (int(found[1]), int(found[2])) if found else (0, 0)
