"""The files of one split in each form in which a source may be there, and the choice of one form.

Of the Hub's datasets these forms are known: the repository's Parquet files, named SPLIT-00000-of-0000N.parquet and
possibly in data/ or in a folder of their configuration; those of the Hub's convert branch, named
CONFIGURATION/SPLIT/0000.parquet; and a folder written by `save_to_disk` of `datasets`, for all splits or for one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.sources.hub import Place
from data_prep.tables.table import TableError, absent, head

_NUMBERS = re.compile(r"-(\d+)-of-(\d+)")
_CONVERTED = re.compile(r"\d{4,}\.parquet")
SAVED = "saved by datasets (save_to_disk)"
CONVERTED = "the Hub's Parquet files, convert branch"
_KINDS = {".parquet": "the Hub's Parquet files", ".csv": "CSV files", ".json": "JSON files", ".jsonl": "JSON files"}


@dataclass(frozen=True)
class Files:
    """The files of a split in one form.

    Attributes:
        form: the form in a few words.
        paths: the files that are there, in the order of their rows.
        wrong: why they cannot be read, and what to do; empty if they are complete.
    """

    form: str
    paths: tuple[Path, ...]
    wrong: str = ""


def choose(forms: list[Files]) -> Files | None:
    """The first complete form, or else the first one."""
    return next((one for one in forms if not one.wrong), forms[0] if forms else None)


def said(forms: list[Files]) -> str:
    """The chosen form in words, with the other forms and what is wrong with them; empty if there is none.

    What is wrong with the chosen one is a problem of its source, and not repeated here.
    """
    chosen = choose(forms)
    if chosen is None:
        return ""
    others = [f"{one.form} ({one.wrong})" if one.wrong else one.form for one in forms if one is not chosen]
    return chosen.form + (f"; there too, and not read: {', '.join(others)}" if others else "")


def matching(folder: Path, pattern: str) -> list[Files]:
    """The files that match a pattern below a folder, as a list of one form, or of none."""
    paths = tuple(sorted(path for path in folder.glob(pattern) if not path.is_dir()))
    if not paths:
        return []
    return [Files(_KINDS.get(paths[0].suffix, f"{paths[0].suffix} files"), paths, incomplete(paths))]


def on_the_hub(place: Place, splits: tuple[str, ...], configuration: str = "") -> list[Files]:
    """The forms of a split in which a dataset of the Hub is there, the repository's own files first.

    `splits` are the names of the split in the releases of the dataset. Without a configuration any one is read.
    """
    found: list[Files] = []
    for split in splits:
        for pattern in _patterns(split, configuration):
            found += matching(place.folder, pattern)
    for folder in place.folders:
        for split in splits:
            found += _converted(folder, split, configuration)
    for split in splits:
        found += _saved(place.folder, split, configuration)
        if configuration:
            found += _saved(place.folder / configuration, split, "")
    return found


def incomplete(paths: tuple[Path, ...]) -> str:
    """What is wrong with files that are one split: links, pointers, missing or surplus shards; empty if nothing."""
    wrong = [message for path in paths if (message := _unreadable(path))]
    if wrong:
        return wrong[0] + (f" (and {len(wrong) - 1} more such files)" if len(wrong) > 1 else "")
    numbers = [(int(found[1]), int(found[2])) for path in paths if (found := _NUMBERS.search(path.name))]
    if not numbers:
        return ""
    wanted = numbers[0][1]
    if len(paths) < wanted and len({*numbers}) == len(paths):
        return f"{paths[0].parent} has {len(paths)} of {wanted} files like {paths[0].name}; download the others"
    if numbers == [(number, wanted) for number in range(wanted)] and len(numbers) == len(paths):
        return ""
    files = ", ".join(path.name for path in paths)
    return (
        f"{paths[0].parent}: wanted: {wanted} files of one release, and there are {len(paths)} ({files}); "
        "download them again into an empty folder"
    )


def _patterns(split: str, configuration: str) -> Iterator[str]:
    if configuration:
        yield f"{configuration}/{split}-*.parquet"
    else:
        yield f"data/{split}-*.parquet"
        yield f"{split}-*.parquet"


def _unreadable(path: Path) -> str:
    if path.suffix == ".gz":
        wrong = absent(path)
        return f"{path}: {wrong}" if wrong else ""
    try:
        head(path)
    except TableError as error:
        return str(error)
    return ""


def _converted(folder: Path, split: str, configuration: str) -> Iterator[Files]:
    for part in (split, f"partial-{split}"):
        for inner in sorted(folder.glob(f"{configuration or '*'}/{part}")):
            paths = tuple(sorted(path for path in inner.glob("*.parquet") if _CONVERTED.fullmatch(path.name)))
            if not paths:
                continue
            wrong = incomplete(paths)
            if [int(path.stem) for path in paths] != [*range(len(paths))]:
                wrong = f"{inner} has {len(paths)} files up to {paths[-1].name}; download the others"
            elif part != split:
                wrong = f"{inner} holds the first part of the split, as its name says; download the repository's files"
            yield Files(CONVERTED, paths, wrong)


def _saved(base: Path, split: str, configuration: str) -> Iterator[Files]:
    """The split's folder in a saved dictionary of splits, or a saved folder of this one split.

    With a configuration, only one that names it in its dataset_info.json.
    """
    listed = _object(base / "dataset_dict.json").get("splits")
    is_gone = not (base / split / "state.json").is_file()
    if isinstance(listed, list) and split in listed and is_gone and not configuration:
        yield Files(SAVED, (), f"{base}: dataset_dict.json lists {split}, and {split}/state.json is not there")
    for inner in (base / split, base):
        if (inner / "state.json").is_file() and _is_of(inner, configuration):
            own = re.split(r"[\[+]", str(_object(inner / "state.json").get("_split") or ""))[0]
            if inner == base and own and own != split:
                continue
            unknown = inner == base and not own and inner.name != split
            wrong = f"{inner}: state.json names no split; move the folder into one, as {split}/" if unknown else ""
            yield _saved_files(inner, wrong)


def _is_of(folder: Path, configuration: str) -> bool:
    return not configuration or _object(folder / "dataset_info.json").get("config_name") == configuration


def _saved_files(folder: Path, wrong: str) -> Files:
    state = _object(folder / "state.json")
    listed = state.get("_data_files")
    names = [str(one.get("filename")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not names or any(name != Path(name).name for name in names):
        return Files(SAVED, (), wrong or f"{folder}/state.json lists no files; copy or save the dataset again")
    if state.get("_indices_data_files") or state.get("_indices_files"):
        wrong = wrong or f"{folder}: a table of indices selects its rows; call flatten_indices() and save it again"
    paths = tuple(folder / name for name in names)
    gone = [path.name for path in paths if not path.exists() and not path.is_symlink()]
    if gone:
        lacks = f"{folder} lacks {len(gone)} of {len(paths)} files: {gone[0]}; copy or save the dataset again"
        return Files(SAVED, tuple(path for path in paths if path.name not in gone), wrong or lacks)
    return Files(SAVED, paths, wrong or incomplete(paths))


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
