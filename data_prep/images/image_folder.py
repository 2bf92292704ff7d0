"""The images of a source in a folder, a zip file or a tar file, read by name without unpacking."""

import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from data_prep.images.members import FolderMembers, Members, TarMembers
from data_prep.images.zip_members import ZipMembers
from data_prep.rows import Loaded, Reject
from data_prep.tables.table import TableError

_GZIP, _ZIP = b"\x1f\x8b", b"PK"


class ImageFolder:
    """Images by their names in a folder or an archive.

    Tables and archives often differ in the leading folders of a name. A name that does not exist as written therefore
    means the one file whose path ends with it, or which it ends with. A file with the same base name in an unrelated
    folder is another image.

    It can be pickled, and used after a fork. Every method except `problems` raises TableError for a broken archive.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __reduce__(self) -> tuple[type["ImageFolder"], tuple[Path]]:
        return ImageFolder, (self.path,)

    def problems(self, key: str) -> list[str]:
        """What is wrong with the folder or the archive, each "key: what, and what to do"."""
        try:
            _ = self._members
        except (TableError, OSError) as error:
            return [f"{key}: {error}"]
        return []

    def place(self) -> str:
        """The folder or archive itself, whatever links and relative paths lead to it."""
        return str(self.path.resolve())

    def names(self) -> Iterator[str]:
        """The names of all files, sorted, without those that lead out of the folder."""
        return iter(sorted(name for name in map(_plain, self._members.names()) if _stays_inside(name)))

    def inputs(self) -> dict[str, str | int]:
        """For a folder the size of each file by its name; for an archive its size and a digest of its index."""
        return self._members.inputs()

    def read(self, name: str) -> Loaded:
        """The bytes of an image. Raises Reject: missing_image, undecodable_image or image_too_large."""
        plain = _plain(name)
        if not _stays_inside(plain):
            raise Reject("missing_image", f"{name}: leads out of {self.path}")
        if isinstance(self._members, FolderMembers) and self._members.has(name):
            return Loaded(self._members.read_path(name))
        return Loaded(self._members.read(self._number(plain)))

    def _number(self, wanted: str) -> int:
        numbers = _index(self._members).numbers(_base_name(wanted))
        named = ((_plain(self._members.name(number)), number) for number in numbers)
        found = {name: number for name, number in named if _stays_inside(name)}
        if wanted in found:
            return found[wanted]
        fitting = sorted(name for name in found if _one_ends_the_other(name, wanted))
        if not fitting:
            raise Reject("missing_image", f"{wanted}: there is no such file in {self.path}")
        if len(fitting) > 1:
            raise Reject("missing_image", f"{wanted}: may be {fitting[0]} or {fitting[1]} in {self.path}")
        return found[fitting[0]]

    @cached_property
    def _members(self) -> Members:
        if self.path.is_dir():
            return FolderMembers(self.path)
        if not self.path.is_file():
            raise TableError(f"{self.path}: there is no such folder or archive")
        stat = self.path.stat()
        return _archive(self.path, stat.st_size, stat.st_mtime_ns)


class _Index:
    """Indices of names by base name, in 16 bytes each: a hash and the index. Hashes may collide."""

    def __init__(self, names: Iterable[str]) -> None:
        hashes = np.frombuffer(array("q", (hash(_base_name(_plain(name))) for name in names)), np.int64)
        self._numbers = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._numbers]

    def numbers(self, base_name: str) -> list[int]:
        """The indices of the names that may have this base name."""
        low, high = (np.searchsorted(self._hashes, hash(base_name), side) for side in ("left", "right"))
        return [int(number) for number in self._numbers[low:high]]


@lru_cache(maxsize=8)
def _archive(path: Path, _size: int, _time: int) -> Members:
    """The members of an archive, cached across the tasks of a process."""
    with path.open("rb") as file:
        head = file.read(2)
    if head == _GZIP:
        raise TableError(f"{path}: a compressed archive; unpack it with: tar -xzf {path} -C {path.parent}")
    return ZipMembers(path) if head == _ZIP else TarMembers(path)


@lru_cache(maxsize=8)
def _index(members: Members) -> _Index:
    return _Index(members.names())


def _plain(name: str) -> str:
    """The name in canonical form: "/" between folders, in NFC, without a leading "./"."""
    composed = name if name.isascii() else unicodedata.normalize("NFC", name)
    return composed.replace("\\", "/").removeprefix("./")


def _base_name(name: str) -> str:
    return name.rpartition("/")[2]


def _stays_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/")


def _one_ends_the_other(one: str, other: str) -> bool:
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")
