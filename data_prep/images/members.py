"""The files of a folder or an archive behind one interface: each has an index and a name."""

import hashlib
import os
import stat
import tarfile
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from data_prep.rows import Reject
from data_prep.tables.table import TableError, broken_link, pointer

MAX_BYTES = 1 << 30


class Members(ABC):
    """The files of a folder or an archive, indexed from 0 in the order of `names`."""

    path: Path

    @property
    def not_searched(self) -> tuple[str, ...]:
        """Links to folders, whose files are not among the members."""
        return ()

    @abstractmethod
    def names(self) -> Iterator[str]:
        """The name of each file as it is in the folder or archive."""

    @abstractmethod
    def name(self, number: int) -> str:
        """The name of one file."""

    @abstractmethod
    def read(self, number: int) -> bytes:
        """The bytes of one file. Raises Reject."""

    @abstractmethod
    def inputs(self) -> dict[str, str | int]:
        """Values that change if a file changes, without reading the files."""


class FolderMembers(Members):
    """The files under a folder. Links to files are followed wherever they lead; links to folders are not.

    A link to nothing is a member too, so that whoever asks for it learns what to fetch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.resolve()
        self._inside: set[str] = set()
        self._folder_links: list[str] = []

    @cached_property
    def _files(self) -> dict[str, str | int]:
        """The size of each file by its path relative to the folder; a text for a broken link."""
        return dict(self._below(self.path, ""))

    @cached_property
    def _names(self) -> list[str]:
        return list(self._files)

    @property
    def not_searched(self) -> tuple[str, ...]:
        """Links to folders, by their paths relative to the folder."""
        _ = self._files
        return tuple(sorted(self._folder_links))

    def names(self) -> Iterator[str]:
        """The path of each file, relative to the folder."""
        return iter(self._names)

    def name(self, number: int) -> str:
        """The path of one file, relative to the folder."""
        return self._names[number]

    def read(self, number: int) -> bytes:
        """The bytes of one file."""
        return self.read_path(self._names[number])

    def read_path(self, name: str) -> bytes:
        """The bytes of the file under a path relative to the folder."""
        path = self.path / name
        try:
            with path.open("rb", buffering=0) as file:
                check_size(name, os.fstat(file.fileno()).st_size, self.path)
                data = file.read()
        except OSError as error:
            why = broken_link(path) or f"cannot be read ({error.strerror})"
            raise Reject("missing_image", f"{path}: {why}") from error
        if wrong := pointer(data[:64]):
            raise Reject("missing_image", f"{path}: {wrong}")
        return data

    def has(self, name: str) -> bool:
        """Whether a file, or a link to nothing, is under this path.

        Raises Reject (missing_image) if a link to a folder leads there from outside.
        """
        path = self.path / name
        folder = name.rpartition("/")[0]
        try:
            kind = path.lstat().st_mode
            is_outside = folder not in self._inside and not self._is_inside(folder)
        except (OSError, ValueError):
            return False
        if is_outside:
            raise Reject("missing_image", f"{name}: {self._link_in(folder)}")
        self._inside.add(folder)  # resolving each folder once saves 20% of the time of a small image
        return path.is_file() or broken_link(path) != "" if stat.S_ISLNK(kind) else stat.S_ISREG(kind)

    def inputs(self) -> dict[str, str | int]:
        """The size of each file by its name."""
        return dict(sorted(self._files.items()))

    def _is_inside(self, folder: str) -> bool:
        return (self.path / folder).resolve().is_relative_to(self._root)

    def _link_in(self, folder: str) -> str:
        """What is wrong with a folder that a link leads out of this one."""
        paths = [self.path / one for one in reversed((Path(folder), *Path(folder).parents))]
        link = next((path for path in paths[1:] if path.is_symlink()), paths[-1])
        return f"{link} is a link to a folder, {link.resolve()}, which is not searched; link its files, or copy it"

    def _below(self, folder: str | Path, inner: str) -> Iterator[tuple[str, str | int]]:
        """Yield path and size of each file; an unreadable folder, such as lost+found, is skipped."""
        with suppress(PermissionError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield from self._linked(Path(entry.path), inner + entry.name)
                elif entry.is_dir():
                    yield from self._below(entry.path, f"{inner}{entry.name}/")
                elif entry.is_file():
                    yield inner + entry.name, entry.stat().st_size

    def _linked(self, path: Path, name: str) -> Iterator[tuple[str, str | int]]:
        if path.is_dir():
            self._folder_links.append(name)
        elif path.is_file():
            yield name, path.stat().st_size
        elif broken_link(path):
            yield name, "a link to nothing"


class TarMembers(Members):
    """The regular files of an uncompressed tar file; links and devices are skipped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: list[str] = []
        self._places, self._sizes = array("q"), array("q")
        try:
            with tarfile.open(path, "r:") as tar:
                while member := tar.next():
                    if member.isreg() and not member.issparse():
                        self._names.append(member.name)
                        self._places.append(member.offset_data)
                        self._sizes.append(member.size)
                    tar.members = []  # type: ignore[attr-defined]  # it would cache every header
        except (tarfile.TarError, UnicodeError) as error:
            raise TableError(f"{path}: not a complete zip or tar file ({error}); download it again") from error

    def names(self) -> Iterator[str]:
        """The name of each file."""
        return iter(self._names)

    def name(self, number: int) -> str:
        """The name of one file."""
        return self._names[number]

    def read(self, number: int) -> bytes:
        """The bytes of one file."""
        name, size = self._names[number], self._sizes[number]
        check_size(name, size, self.path)
        with self.path.open("rb") as file:
            file.seek(self._places[number])
            data = file.read(size)
        if len(data) < size:
            raise Reject("undecodable_image", f"{name} in {self.path}: cut off; download the archive again")
        return data

    def inputs(self) -> dict[str, str | int]:
        """The archive's size, and a digest of the names, places and sizes."""
        lines = (" ".join(map(str, member)) for member in zip(self._names, self._places, self._sizes, strict=True))
        return index_stamp(self.path, lines)


def check_size(name: str, size: int, path: Path) -> None:
    """Raise Reject (image_too_large) for a file of more than 1 GiB."""
    if size > MAX_BYTES:
        raise Reject("image_too_large", f"{name} in {path}: {size} bytes, at most {MAX_BYTES}")


def index_stamp(path: Path, lines: Iterator[str]) -> dict[str, str | int]:
    """The size of an archive, and the sha256 of one line about each member."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode(errors="surrogateescape"))
    return {path.name: f"{path.stat().st_size} bytes, index {digest.hexdigest()}"}
