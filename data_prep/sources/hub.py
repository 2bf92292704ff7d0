"""Folders of the Hugging Face Hub's downloads: the cache, and what it holds of one dataset.

A folder made by `hf download --local-dir` holds the repository's files as they are. The cache holds, for each dataset,
datasets--ORGANISATION--NAME with snapshots/REVISION, whose files are links into blobs/, and refs/BRANCH, which name
the revision of a branch. The branch refs/convert/parquet is the Hub's own conversion to Parquet.
Source: huggingface_hub, "Understand caching" in its guide.
"""

from dataclasses import dataclass
from pathlib import Path

_CONVERTED = ("refs/convert/parquet", "convert/parquet")


@dataclass(frozen=True)
class Place:
    """Where a dataset's files are.

    Attributes:
        folder: the folder of the repository's files.
        converted: the folder of the convert branch's files, if a cache holds both.
        wrong: why the folder cannot be told, and what to do; the other attributes are then the given path.
    """

    folder: Path
    converted: Path | None = None
    wrong: str = ""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Both folders, the repository's own first."""
        return (self.folder,) if self.converted is None else (self.folder, self.converted)


def locate(path: str | Path) -> Place:
    """The place of the one dataset at this path: a plain folder, a cache, or the part of a cache for one dataset."""
    path = Path(path)
    if _is_cached(path):
        return _revisions(path)
    cached = sorted(one for one in path.glob("datasets--*") if _is_cached(one))
    if not cached:
        return Place(path)
    if len(cached) > 1:
        names = ", ".join(one.name for one in cached)
        return Place(path, wrong=f"{path} is a cache of several datasets; name one, such as {cached[0]} ({names})")
    return _revisions(cached[0])


def folder(path: str | Path) -> Path:
    """The folder of the repository's files at this path; the path itself if it is no cache, or holds no one dataset."""
    return locate(path).folder


def file(path: str | Path) -> Path:
    """A file or folder by its path, also where one of the folders in front of it is a cache of one dataset."""
    path = Path(path)
    if path.exists() or path.is_symlink():
        return path
    for parent in path.parents:
        if parent.is_dir():
            found = folder(parent) / path.relative_to(parent)
            return found if found.exists() or found.is_symlink() else path
    return path


def _is_cached(path: Path) -> bool:
    return (path / "snapshots").is_dir() and (
        path.name.startswith("datasets--") or (path / "refs").is_dir() or (path / "blobs").is_dir()
    )


def _revisions(cached: Path) -> Place:
    """The place of a dataset in a cache: the revision of the branch main, else the only one."""
    snapshots = {one.name: one for one in sorted((cached / "snapshots").iterdir()) if one.is_dir()}
    main = _revision(cached / "refs/main")
    converted = next((found for name in _CONVERTED if (found := _revision(cached / "refs" / name))), "")
    others = [one for name, one in snapshots.items() if name != converted]
    branch = snapshots.get(converted)
    if main in snapshots:
        return Place(snapshots[main], branch)
    if main and len(snapshots) > bool(branch):
        return Place(cached, wrong=f"{cached}: refs/main names {main}, which snapshots/ lacks; download it again")
    if len(others) > 1:
        names = ", ".join(others[0].parent.name + "/" + one.name for one in others)
        return Place(cached, wrong=f"{cached} holds several revisions and no refs/main; name one of them: {names}")
    if others:
        return Place(others[0], branch)
    if branch is not None:
        return Place(branch)
    return Place(cached, wrong=f"{cached}: a cache without a snapshot; download the dataset again")


def _revision(ref: Path) -> str:
    return ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
