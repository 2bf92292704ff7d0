"""A file of rows: it can be cut into slices, and each slice can be read on its own."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, override

from data_prep.rows import Rejected

PlacedRow = tuple[str, dict[str, Any] | Rejected]
"""A row with its place in the file: "line 3", "row 3", "item 3", counted from 1."""

PlacedRows = Iterator[PlacedRow]


class TableError(ValueError):
    """A file of rows that is truncated or has another format; the message names the file."""


class Mark(NamedTuple):
    """A position between two rows: the number of rows before it, and its offset in the table's own unit."""

    row: int
    offset: int


class Table(ABC):
    """One file of rows. Consecutive slices give exactly the rows of one pass."""

    path: Path

    def reads(self) -> str:
        """Equal for tables whose marks and rows are the same, so that they may be read together; "" for no other."""
        return ""

    def sha256(self) -> str:
        """The sha256 of the file, in hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @abstractmethod
    def marks(self, every: int) -> Iterator[Mark]:
        """Yield the marks before row 0, `every`, 2 x `every` and so on, and the one after the last row.

        Raises TableError if the file is truncated or has another format.
        """

    @abstractmethod
    def rows(self, start: Mark, count: int) -> PlacedRows:
        """Yield at most `count` rows from a mark on, each with its place.

        A row that cannot be used is yielded as Rejected, never skipped. At most one slice is held in memory.
        """


class GeneratedTable(Table):
    """The rows that `make()` yields, the same ones on every call. `path` is the file that they come from.

    For small files and rows gathered from several places: reading a slice generates the rows before it again.
    The offset of a mark is its row.
    """

    def __init__(self, path: str | Path, make: Callable[[], PlacedRows]) -> None:
        self.path = Path(path)
        self._make = make

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        row = 0
        for _ in self._make():
            if row % every == 0:
                yield Mark(row, row)
            row += 1
        yield Mark(row, row)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        yield from islice(self._make(), start.row, start.row + count)


class ChangedTable(Table):
    """The rows of another table, each changed by a function."""

    def __init__(self, table: Table, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.path = table.path
        self._table = table
        self._change = change

    @override
    def marks(self, every: int) -> Iterator[Mark]:
        return self._table.marks(every)

    @override
    def rows(self, start: Mark, count: int) -> PlacedRows:
        for place, row in self._table.rows(start, count):
            yield place, row if isinstance(row, Rejected) else self._change(row)


def all_rows(table: Table) -> PlacedRows:
    """Every row of a table, in one pass."""
    *_, end = table.marks(1 << 60)
    return table.rows(next(iter(table.marks(1 << 60))), end.row)


HEAD = 1 << 16
BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def head(path: Path) -> bytes:
    """The first 64 KiB of a file. Raises TableError if it is missing, empty, compressed, a pointer or a web page."""
    if not path.is_file():
        raise TableError(f"{path}: {broken_link(path) or 'there is no such file'}")
    try:
        with path.open("rb") as file:
            start = file.read(HEAD)
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror})") from error
    if wrong := _other_format(start, path):
        raise TableError(f"{path}: {wrong}")
    return start


def broken_link(path: Path) -> str:
    """What is wrong with a link whose target does not exist, and what to do; empty for anything else."""
    try:
        if not path.is_symlink() or path.exists():
            return ""
        target = str(path.readlink())
    except OSError:  # a name that is too long, a cycle of links
        return ""
    if ".git/annex/" in target:
        how = "fetch it with: git annex get"
    elif "/blobs/" in target:
        how = "download the dataset again"
    else:
        how = "fetch it (git annex get, dvc pull) or copy the file"
    return f"a link to {target}, which is not there; {how}"


def absent(path: Path) -> str:
    """Why the content of a file is not there: no file, a broken link, a pointer; empty if it is there."""
    if not path.is_file():
        return broken_link(path) or "there is no such file"
    try:
        with path.open("rb") as file:
            return pointer(file.read(64))
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def pointer(start: bytes) -> str:
    """What is wrong with a file that starts like this and only names the wanted one; empty for any other file."""
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer instead of the file; fetch the file with: git lfs pull"
    if start.startswith(b"/annex/objects/"):
        return "a git-annex pointer instead of the file; fetch the file with: git annex get"
    return ""


def text_head(path: Path) -> bytes:
    """Like `head`, for UTF-8 text, without its byte order mark. Also raises TableError for other encodings."""
    start = head(path)
    if start.startswith(_UTF_16) and b"\0" in start[:64]:
        raise TableError(f"{path}: UTF-16; make it UTF-8 with: iconv -f UTF-16 -t UTF-8 {path} > NEW")
    if b"\0" in start[:8]:
        raise TableError(f"{path}: not a text file in UTF-8; export it again")
    return start.removeprefix(BOM)


def after_bom(file: BinaryIO) -> int:
    """The offset of the text of a file opened at its start: the length of its byte order mark, if it has one."""
    return len(BOM) if file.read(len(BOM)) == BOM else 0


def _other_format(start: bytes, path: Path) -> str:
    if not start:
        return "an empty file; download it again"
    if start.startswith(b"\x1f\x8b"):
        return f"compressed; unpack it with: gunzip -k {path}"
    if start.startswith(b"PK\x03\x04"):
        is_workbook = b"[Content_Types].xml" in start or b"xl/" in start
        return "an Excel workbook; save it as CSV in UTF-8" if is_workbook else f"a zip file; unzip {path}"
    if found := pointer(start):
        return found
    if start.removeprefix(BOM).lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page instead of the file; download it again"
    return ""
