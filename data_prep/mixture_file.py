"""Read a mixture from its YAML file and check it, reporting together all errors that can be found without a row."""

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from data_prep import keys
from data_prep.errors import DataPrepError
from data_prep.mixture import Duplicates, Entry, Mixture, Overlap, Quota, SplitRule
from data_prep.shards import SPLIT_NAME
from data_prep.sources import READERS, hub, reader
from data_prep.sources.source import Source

PATH_KEYS = ("path", "images", "folder", "table", "urls", "test_ids", "reports")
"""The keys of sources that are paths; relative ones start from --root."""


class MixtureError(DataPrepError, ValueError):
    """All errors in a mixture."""


_LISTS: dict[str, type] = {"overlaps": Overlap, "quotas": Quota}
_OWN = frozenset({"sources", "benchmarks", "splits", "duplicates", "entries", "missing", *_LISTS})


def load(path: Path, root: Path | None = None, allow_missing: bool = False) -> Mixture:
    """Read and check a mixture; relative paths in it start from `root`.

    With `allow_missing` a source whose first path does not exist is left out and listed in `missing`.
    Raises MixtureError with every error that can be found without reading a row.
    """
    given = read_yaml(path)
    found = keys.errors("", given, Mixture, _OWN)
    made: dict[str, Any] = {key: value for key, value in given.items() if key not in _OWN}
    found += [f"{key}: unknown key" for key in ("entries", "missing") if key in given]
    read = _Sources(root, allow_missing, found)
    made["sources"], made["entries"] = read.all("sources", given.get("sources"))
    made["benchmarks"], _ = read.all("benchmarks", given.get("benchmarks", []))
    made["missing"] = read.missing
    made["splits"] = _named("splits", given.get("splits", {}), SplitRule, found)
    duplicates = given.get("duplicates", {})
    found += (wrong := keys.errors("duplicates.", duplicates, Duplicates))
    made["duplicates"] = Duplicates() if wrong else Duplicates(**duplicates)
    known = {"source": _names(given.get("sources")), "benchmark": _names(given.get("benchmarks"))}
    for key, kind in _LISTS.items():
        made[key] = _listed(key, given.get(key, []), kind, known, found)
    if found:
        raise MixtureError("\n".join(f"{path}: {error}" for error in found))
    if not made["sources"]:
        raise MixtureError(f"{path}: none of its sources exists: {'; '.join(read.missing)}")
    return Mixture(**made)


def read_yaml(path: Path) -> dict[Any, Any]:
    """The mapping in the file, as plain data. Raises MixtureError."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MixtureError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise MixtureError(f"{path}: a folder; wanted: a YAML file") from error
    except OSError as error:
        raise MixtureError(f"{path}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MixtureError(f"{path}: not UTF-8, at byte {error.start}; save it as UTF-8") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an impossible date
        raise MixtureError(f"{path}: not YAML: {error}") from error
    if not isinstance(given, dict):
        raise MixtureError(f"{path}: {keys.errors('', given, Mixture)[0]}")
    return given


def entries(path: Path) -> list[dict[str, Any]]:
    """The entries under `sources:` and `benchmarks:`, checked except for the files and folders that they name.

    Raises MixtureError.
    """
    given = read_yaml(path)
    found: list[str] = []
    for key in ("sources", "benchmarks"):
        listed = given.setdefault(key, [])
        found += _wrong_list(key, listed) or [
            error for number, one in enumerate(listed) for error in _wrong_keys(f"{key}[{number}]", one)
        ]
    if found:
        raise MixtureError("\n".join(f"{path}: {error}" for error in found))
    return [*given["sources"], *given["benchmarks"]]


class _Sources:
    """Makes the sources of a mixture; errors are appended to `found`."""

    def __init__(self, root: Path | None, allow_missing: bool, found: list[str]) -> None:
        self.missing: list[str] = []
        self._root = root or Path()
        self._allow_missing = allow_missing
        self._found = found

    def all(self, key: str, given: Any) -> tuple[list[Source], list[Entry]]:
        """The sources under a key, and the entry of each."""
        if wrong := _wrong_list(key, given):
            self._found += wrong
            return [], []
        made = [pair for number, one in enumerate(given) if (pair := self._one(f"{key}[{number}]", one))]
        names = [source.name for source, _ in made]
        if key == "benchmarks":
            self._found += [f"benchmarks: two are named {name!r}" for name in {*names} if names.count(name) > 1]
        return [source for source, _ in made], [entry for _, entry in made]

    def _one(self, where: str, given: Any) -> tuple[Source, Entry] | None:
        wrong = _wrong_keys(where, given)
        self._found += wrong
        if wrong:
            return None
        own, rest = _split_keys(given)
        rest = _rooted(rest, self._root)
        source = reader(given["reader"])(**{"name": given["reader"], **rest})
        problems = [f"{where}.{problem}" for problem in problems_of(source)]
        if problems and self._allow_missing and _is_missing(rest):
            self.missing.append(f"{source.name}: {problems[0]}")
            return None
        self._found += problems
        return source, Entry(**own)


def source_of(given: dict[str, Any], root: Path | None) -> Source:
    """The source of one entry of `sources:` or `benchmarks:` whose keys have been checked."""
    kind = reader(given["reader"])
    rest = {key: value for key, value in given.items() if key in keys.fields(kind)}
    return kind(**{"name": given["reader"], **_rooted(rest, root or Path())})


def problems_of(source: Source) -> list[str]:
    """What is wrong with a source; only what is wrong with its caches of the Hub, if anything is."""
    paths = {key: path for key, path in vars(source).items() if key in PATH_KEYS and path}
    caches = {key: hub.locate(path).wrong for key, path in paths.items()}
    return [f"{key}: {wrong}" for key, wrong in caches.items() if wrong] or source.problems()


def first_path(given: dict[str, Any]) -> Path | None:
    """The first path among the keys of a source, if it has one: the source is missing where this does not exist."""
    return next((Path(given[key]) for key in PATH_KEYS if given.get(key)), None)


def _rooted(given: dict[str, Any], root: Path) -> dict[str, Any]:
    """The keys with their paths below `root`; a file in a cache of the Hub is found without its revision."""
    paths = {key: str(hub.file(root / Path(given[key]).expanduser())) for key in PATH_KEYS if given.get(key)}
    return given | paths


def _is_missing(given: dict[str, Any]) -> bool:
    path = first_path(given)
    return path is not None and not path.exists()


def _wrong_list(key: str, given: Any) -> list[str]:
    good = isinstance(given, list) and (given or key != "sources")
    return [] if good else [f"{key}: wanted: a list with at least one source"]


def _wrong_keys(where: str, given: Any) -> list[str]:
    name = given.get("reader") if isinstance(given, dict) else None
    if not isinstance(name, str) or name not in READERS:
        return [f"{where}.reader: {name!r}; known: {', '.join(READERS)}"]
    own, rest = _split_keys(given)
    found = keys.errors(where + ".", own, Entry) + _wrong_split(f"{where}.into", own.get("into", "train"))
    return found + keys.errors(where + ".", rest, reader(name))


def _split_keys(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the keys into those of Entry and those of the reader; a key that both have is the reader's."""
    known = keys.fields(Entry).keys() - keys.fields(reader(given["reader"])).keys()
    own = {key: value for key, value in given.items() if key in known}
    return own, {key: value for key, value in given.items() if key not in own and key != "reader"}


def _names(given: Any) -> list[str]:
    """The names of the sources in a list, including missing ones and ones with wrong keys."""
    listed = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [name for one in listed if isinstance(name := one.get("name", one.get("reader")), str)]


def _wrong_split(where: str, name: Any) -> list[str]:
    good = isinstance(name, str) and SPLIT_NAME.fullmatch(name)
    return [] if good else [f"{where}: {name!r}; a split's name is lower-case letters and underscores"]


def _named(where: str, given: Any, kind: type, found: list[str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        found.append(f"{where}: {given!r}; wanted: a mapping from a split's name to its rule")
        return {}
    made = {}
    for name, rule in given.items():
        wrong = _wrong_split(f"{where}.{name}", name) + keys.errors(f"{where}.{name}.", rule, kind)
        found += wrong
        if not wrong:
            made[name] = kind(**rule)
    return made


def _listed(where: str, given: Any, kind: type, known: dict[str, list[str]], found: list[str]) -> list[Any]:
    if not isinstance(given, list):
        found.append(f"{where}: {given!r}; wanted: a list")
        return []
    made = []
    for number, one in enumerate(given):
        wrong = keys.errors(f"{where}[{number}].", one, kind) + _unknown_names(f"{where}[{number}].", one, known)
        found += wrong
        if not wrong:
            made.append(kind(**one))
    return made


def _unknown_names(where: str, given: Any, known: dict[str, list[str]]) -> list[str]:
    """Names that are no source or benchmark of the mixture: a rule with a misspelt name would apply to nothing."""
    named = {key: given.get(key) for key in known} if isinstance(given, dict) else {}
    return [
        f"{where}{key}: {name!r}; known: {', '.join(sorted({*known[key]})) or 'none'}"
        for key, name in named.items()
        if isinstance(name, str) and name not in known[key]
    ]


def described(source: Source) -> list[Any]:
    """The reader and its keys as plain data, without paths: their content is digested, not their location."""
    given = dataclasses.asdict(source)
    return [type(source).__name__, {key: value for key, value in given.items() if key not in PATH_KEYS}]
