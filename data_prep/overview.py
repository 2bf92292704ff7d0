"""List the sources: in which form each is there under a root, what it lacks, its licence, and how to get the rest."""

import sys
from pathlib import Path
from typing import Any

from data_prep import missing_images, mixture_file
from data_prep.sources import READERS, reader
from data_prep.sources.pair_archives import LIST
from data_prep.sources.source import Source
from data_prep.tables.table import TableError

_RECIPES = Path(__file__).resolve().parents[1] / "recipes/data"
PAPER = (_RECIPES / "bimed_v.yml", _RECIPES / "align.yml")
_NO_ADDRESS = f"is {LIST} of LLaVA-Med beside the table, or named by `urls`?"
_SHOWN = 5
"""The most names of files that are shown of a folder."""


def sources(paths: list[Path], root: Path | None) -> str:
    """Return a paragraph for each source in the mixtures, and a line for each other reader.

    Without a path, the mixtures are the paper's, in the repository. Raises MixtureError.
    """
    entries = _entries(paths)
    named = [_entry(entry, root) for entry in entries]
    used = {entry["reader"] for entry in entries}
    rest = [f"{name:14} {reader(name).ABOUT.title}" for name in READERS if name not in used]
    return "\n\n".join([*dict.fromkeys(named), "Further readers:\n" + "\n".join(rest)])


def list_missing_images(paths: list[Path], root: Path | None, out: Path) -> str:
    """Write the images that rows of the mixtures' sources name and that are not there to `out`, one JSON line each.

    Only sources whose images are not in their own download are read. Returns a sentence with the numbers. Raises
    MixtureError if none of these is there, or if a table is damaged or `out` cannot be written.
    """
    given = [mixture_file.source_of(entry, root) for entry in _entries(paths)]
    apart = [source for source in given if source.IMAGES_APART]
    usable = [source for source in apart if all(table.path.is_file() for table in source.tables())]
    gone = [f"{source.name}: {mixture_file.problems_of(source)[0]}" for source in apart if source not in usable]
    if apart and not usable:
        raise mixture_file.MixtureError("\n".join(dict.fromkeys(gone)))
    for line in dict.fromkeys(gone):
        print(f"left out: {line}", file=sys.stderr)
    try:
        counted = missing_images.write(out, usable)
    except TableError as error:
        raise mixture_file.MixtureError(str(error)) from error
    except OSError as error:
        raise mixture_file.MixtureError(f"{out}: it cannot be written: {error.strerror}; name another file") from error
    return f"{out}: {_said(counted)}"


def _said(counted: missing_images.Count) -> str:
    rows, named, missing = f"{counted.rows:,} rows", f"{counted.named:,} images", counted.named - counted.there
    if not counted.rows:
        return "empty: every source of the mixture has its images in its own download"
    if not missing:
        return f"empty: all {named} that {rows} name are there"
    where = f"; {counted.unaddressed:,} of them without an address: {_NO_ADDRESS}" if counted.unaddressed else ""
    return f"{missing:,} of the {named} that {rows} name are missing{where}"


def _entries(paths: list[Path]) -> list[dict[str, Any]]:
    gone = [] if paths else [path for path in PAPER if not path.is_file()]
    if gone:
        what = "there is no such file; name a mixture: python -m data_prep sources MIXTURE.yml"
        raise mixture_file.MixtureError(f"{gone[0]}: {what}")
    return [entry for path in paths or PAPER for entry in mixture_file.entries(path)]


def _entry(entry: dict[str, Any], root: Path | None) -> str:
    source = mixture_file.source_of(entry, root)
    about, problems, images = source.ABOUT, mixture_file.problems_of(source), ""
    if not problems:
        try:
            images, is_complete = _images(source)
        except TableError as error:
            problems = [f"path: {error}"]
        else:
            problems = [] if is_complete else [f"images: {images}"]
    state, form = _state(source, problems, root), source.form()
    lines = [
        f"{source.name} ({about.title}): {state}",
        f"  licence: {source.terms}{'' if about.redistribute else '; not redistributable'}",
    ]
    if not problems:
        return "\n".join(
            [*lines, *([f"  images: {images}"] if images else []), *(f"  {note}" for note in source.notes())]
        )
    lines += [f"  there: {form}"] if form else [f"  {problem}" for problem in problems]
    return "\n".join([*lines, f"  wanted: {', '.join(about.layout)}", f"  to get it: {about.get}"])


def _state(source: Source, problems: list[str], root: Path | None) -> str:
    form = source.form()
    if not problems:
        return f"found: {form}" if form else "found"
    if form:
        return f"found, incomplete: {'; '.join(problem.partition(': ')[2] for problem in problems)}"
    path = mixture_file.first_path(vars(source))
    if path and not path.exists() and path.suffix and path.parent != (root or Path()):
        path = path.parent
    names = sorted(inner.name for inner in path.iterdir()) if path and path.is_dir() else []
    if not names:
        return "missing"
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return f"found, not understood: {path} holds {shown}; wanted: {', '.join(source.ABOUT.layout)}"


def _images(source: Source) -> tuple[str, bool]:
    """How many of the images that the first rows name are there, in words, and whether all are."""
    counted = missing_images.count(source)
    if not counted or not counted.named:
        return "", True
    rows = "its rows" if counted.rows < missing_images.COUNTED else f"its first {counted.rows:,} rows"
    if counted.there == counted.named:
        return f"all {counted.named:,} that {rows} name are there", True
    others = counted.named - counted.there - len(counted.missing)
    missing = ", ".join(counted.missing) + (f" and {others:,} more" if others else "")
    hint = "; --missing-images FILE lists all" if source.IMAGES_APART else ""
    there = f"{counted.there:,} of the {counted.named:,} images that {rows} name are there"
    return f"{there}; missing: {missing}{hint}", False
