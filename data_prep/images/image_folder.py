"""The images of a source in folders, zip files and tar files, read by name without unpacking."""

import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np

from data_prep.images.members import FolderMembers, Members, TarMembers
from data_prep.images.zip_members import ZipMembers
from data_prep.rows import Loaded, Reject
from data_prep.tables.table import TableError, broken_link, pointer

_GZIP, _ZIP = b"\x1f\x8b", b"PK"


class ImageFolder:
    """Images by their names in a folder or an archive, or in several: each name is read from the first that has it.

    Tables and archives often differ in the leading folders of a name. A name that does not exist as written therefore
    means the one file whose path ends with it, or which it ends with. A file with the same base name in an unrelated
    folder is another image.

    It can be pickled, and used after a fork. Every method except `problems` raises TableError for a broken archive.
    """

    def __init__(self, path: str | Path, *others: str | Path) -> None:
        self.path = Path(path)
        self.paths = (self.path, *map(Path, others))

    def __reduce__(self) -> tuple[type["ImageFolder"], tuple[Path, ...]]:
        return ImageFolder, self.paths

    def problems(self, key: str) -> list[str]:
        """What is wrong with the folders and archives, each "key: what, and what to do"."""
        found = []
        for path in self.paths:
            try:
                self._members(path)
            except (TableError, OSError) as error:
                beside = f", or move it away: {self.path} is there too" if path != self.path else ""
                found.append(f"{key}: {error}{beside}")
        return found

    def notes(self) -> list[str]:
        """Which of several folders and archives is read first, in one sentence; none if there is only one."""
        first, *others = self.paths
        lacking = " and then ".join(map(str, others))
        return [f"{first} is read first; what it lacks is read from {lacking}"] if others else []

    def place(self) -> str:
        """The folders and archives themselves, whatever links and relative paths lead to them."""
        return ", ".join(str(path.resolve()) for path in self.paths)

    def names(self) -> Iterator[str]:
        """The names of all files, sorted, without those that lead out of the folder."""
        every = {_plain(name) for path in self.paths for name in self._members(path).names()}
        return iter(sorted(name for name in every if _stays_inside(name)))

    def inputs(self) -> dict[str, str | int]:
        """For a folder the size of each file by its name; for an archive its size and a digest of its index."""
        found: dict[str, str | int] = {}
        for path in reversed(self.paths):
            found |= self._members(path).inputs()
        return found

    def has(self, name: str) -> bool:
        """Whether `read` finds a file under this name, which is not read."""
        try:
            self._found(name)
        except Reject:
            return False
        return True

    def read(self, name: str) -> Loaded:
        """The bytes of an image. Raises Reject: missing_image, undecodable_image or image_too_large."""
        return Loaded(self._found(name)())

    def _found(self, name: str) -> Callable[[], bytes]:
        """What reads the file of this name from the first folder or archive that has it. Raises Reject."""
        plain = _plain(name)
        if not _stays_inside(plain):
            raise Reject("missing_image", f"{name}: leads out of {self.path}")
        missing = []
        for path in self.paths:
            members = self._members(path)
            try:
                if isinstance(members, FolderMembers) and members.has(name):
                    return partial(members.read_path, name)
                return partial(members.read, _number(members, plain, path))
            except Reject as reject:
                missing.append(reject.detail)
        raise Reject("missing_image", "; ".join(missing))

    @cached_property
    def _opened(self) -> dict[Path, Members]:
        return {}

    def _members(self, path: Path) -> Members:
        """The members of one folder or archive, which is opened when it is first needed."""
        if path not in self._opened:
            self._opened[path] = _members_of(path)
        return self._opened[path]


def _members_of(path: Path) -> Members:
    if path.is_dir():
        return FolderMembers(path)
    if not path.is_file():
        raise TableError(f"{path}: {broken_link(path) or 'there is no such folder or archive'}")
    stat = path.stat()
    return _archive(path, stat.st_size, stat.st_mtime_ns)


def _number(members: Members, wanted: str, path: Path) -> int:
    numbers = _index(members).numbers(_base_name(wanted))
    named = ((_plain(members.name(number)), number) for number in numbers)
    found = {name: number for name, number in named if _stays_inside(name)}
    if wanted in found:
        return found[wanted]
    fitting = sorted(name for name in found if _one_ends_the_other(name, wanted))
    if not fitting:
        links = ", ".join(members.not_searched[:3])
        note = f"; links to folders are not searched: {links}" if links else ""
        raise Reject("missing_image", f"{wanted}: there is no such file in {path}{note}")
    if len(fitting) > 1:
        raise Reject("missing_image", f"{wanted}: may be {fitting[0]} or {fitting[1]} in {path}")
    return found[fitting[0]]


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
        head = file.read(64)
    if wrong := pointer(head):
        raise TableError(f"{path}: {wrong}")
    if head.startswith(_GZIP):
        raise TableError(f"{path}: a compressed archive; unpack it with: tar -xzf {path} -C {path.parent}")
    return ZipMembers(path) if head.startswith(_ZIP) else TarMembers(path)


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
