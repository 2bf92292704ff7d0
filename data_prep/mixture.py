"""The mixture: a YAML file that names the sources of a data set and how its rows are split."""

import dataclasses
import types
import typing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from data_prep.rows import Sample
from data_prep.shards import SPLIT_NAME
from data_prep.sources import READERS, Source


class MixtureError(ValueError):
    """What is wrong with a mixture, all errors together."""


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """Which rows leave their source's split: those on one of `images` or with one of `ids` (names or patterns with
    `*`), and a `share` (0 to 1) of the others, chosen by image so that all rows on an image stay together.
    """

    images: list[str] = dataclasses.field(default_factory=list)
    ids: list[str] = dataclasses.field(default_factory=list)
    share: float = 0.0

    def takes(self, sample: Sample, seed: int) -> bool:
        """Whether the rule takes this row."""
        names = [picture.name for picture in sample.pictures]
        if any(fnmatchcase(name, pattern) for name in names for pattern in self.images):
            return True
        if any(fnmatchcase(sample.id, pattern) for pattern in self.ids):
            return True
        # a row with several images goes where any of them goes
        draws = [sha256(f"{seed} {name}".encode()).digest()[:8] for name in names or [sample.id]]
        return min(int.from_bytes(draw) for draw in draws) < self.share * 2**64


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A checked mixture. `max_side` and `max_pixels` bound the stored images."""

    name: str
    sources: list[Source]
    seed: int = 0
    splits: dict[str, SplitRule] = dataclasses.field(default_factory=dict)
    max_side: int | None = None
    max_pixels: int | None = None
    rows_per_shard: int = 20_000

    def split(self, sample: Sample, source: Source) -> str:
        """The first rule that takes the row, or else the source's own split."""
        return next((name for name, rule in self.splits.items() if rule.takes(sample, self.seed)), source.split)


def load(path: Path) -> Mixture:
    """Read and check a mixture. Raises MixtureError with every error that can be found without reading a row."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MixtureError(f"{path}: there is no such file") from error
    except yaml.YAMLError as error:
        raise MixtureError(f"{path}: not YAML: {error}") from error
    if not isinstance(given, dict):
        raise MixtureError(f"{path}: a mixture is a mapping with the keys {', '.join(_keys(Mixture))}")
    errors = _check_keys("", given, Mixture)
    sources = _sources(given.get("sources"), errors)
    rules = _rules(given.get("splits"), errors)
    if errors:
        raise MixtureError("\n".join(f"{path}: {error}" for error in errors))
    return Mixture(**{**given, "sources": sources, "splits": rules})


def _sources(given: Any, errors: list[str]) -> list[Source]:
    if not isinstance(given, list) or not given:
        errors.append("sources: wanted: a list with at least one source")
        return []
    sources = []
    for number, entry in enumerate(given):
        where = f"sources[{number}]"
        reader = entry.get("reader") if isinstance(entry, dict) else None
        if reader not in READERS:
            errors.append(f"{where}.reader: {reader!r}; known: {', '.join(READERS)}")
            continue
        keys = {key: value for key, value in entry.items() if key != "reader"}
        found = _check_keys(where + ".", keys, READERS[reader])
        found += _check_split(where + ".split", keys.get("split", "train"))
        if not found:
            source = READERS[reader](**{"name": reader, **keys})
            found = [f"{where}.{problem}" for problem in source.problems()]
            sources.append(source)
        errors += found
    return sources


def _rules(given: Any, errors: list[str]) -> dict[str, SplitRule]:
    rules: dict[str, SplitRule] = {}
    if not isinstance(given, dict):
        errors += [] if given is None else [f"splits: {given!r}; wanted: a mapping from a split's name to its rule"]
        return rules
    for name, keys in given.items():
        where = f"splits.{name}"
        found = _check_split(where, name)
        is_mapping = isinstance(keys, dict)
        found += _check_keys(f"{where}.", keys, SplitRule) if is_mapping else [f"{where}: wanted: a mapping"]
        if not found:
            rules[name] = SplitRule(**keys)
        errors += found
    return rules


def _check_split(where: str, name: Any) -> list[str]:
    good = isinstance(name, str) and SPLIT_NAME.fullmatch(name)
    return [] if good else [f"{where}: {name!r}; a split's name is lower-case letters and underscores"]


def _keys(kind: type) -> dict[str, dataclasses.Field]:
    return {field.name: field for field in dataclasses.fields(kind)}


def _check_keys(where: str, given: dict[str, Any], kind: type) -> list[str]:
    """Unknown and missing keys, and values of another type than the field's."""
    known, hints = _keys(kind), typing.get_type_hints(kind)
    needed = [
        name
        for name, field in known.items()
        if field.default is field.default_factory is dataclasses.MISSING and name not in given
    ]
    errors = [f"{where}{key}: unknown key; known: {', '.join(known)}" for key in given if key not in known]
    errors += [f"{where}{name}: this key is needed" for name in needed if name != "sources"]
    for key in sorted(given.keys() & known.keys() - {"sources", "splits"}):
        if not _fits(given[key], hints[key]):
            errors.append(f"{where}{key}: {given[key]!r}; wanted: {getattr(hints[key], '__name__', hints[key])}")
    return errors


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    kind = typing.get_origin(hint) or hint
    if kind is list:
        return isinstance(value, list) and all(_fits(item, typing.get_args(hint)[0]) for item in value)
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
