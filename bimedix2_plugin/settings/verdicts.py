"""What each of Axolotl's settings does on this project's path, from `verdicts.yml`; the file explains the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("verdicts.yml")
WORKS, NEVER_RUN, NO_EFFECT, REFUSED = VERDICTS = ("works", "never_run", "no_effect", "refused")


@dataclass(frozen=True)
class Entry:
    """A verdict on some keys, or on some values of them.

    Attributes:
        topic: heading in the file.
        keys: dotted names; `trl.*` stands for all keys below `trl`.
        verdict: one of VERDICTS.
        text: the evidence that it works, or the reason of any other verdict.
        values: the values that it is about; empty: all of them.
    """

    topic: str
    keys: tuple[str, ...]
    verdict: str
    text: str
    values: tuple[Any, ...] = ()

    def is_about(self, key: str, value: Any) -> bool:
        """Return whether the verdict is on this value of this key. A setting that is switched off is not refused."""
        if not any(covers(name, key) for name in self.keys):
            return False
        if self.values:
            return any(item in self.values for item in (value if isinstance(value, list) else [value]))
        return bool(value) or self.verdict != REFUSED


@dataclass(frozen=True)
class Table:
    """All verdicts, and the keys without one.

    Attributes:
        entries: of one key, the first that is about a value holds for it.
        untested: keys that nobody here has tried.
    """

    entries: tuple[Entry, ...]
    untested: frozenset[str]

    def entry(self, key: str, value: Any) -> Entry | None:
        """Return the entry that holds for a key's value, or None."""
        name = key.replace("test_datasets", "datasets", 1)
        return next((entry for entry in self.entries if entry.is_about(name, value)), None)

    def knows(self, key: str) -> bool:
        """Return whether a key is in the table; this project's own and those of other plugins are not."""
        return any(covers(name, key) for name in self.names())

    def names(self) -> set[str]:
        """Return all names in the table, `trl.*` as it is written."""
        return {key for entry in self.entries for key in entry.keys} | self.untested


def covers(name: str, key: str) -> bool:
    """Return whether a name in the table stands for a key: `trl.*` for all keys below `trl`."""
    return key == name or (name.endswith(".*") and key.startswith(name[:-1]))


@cache
def table() -> Table:
    """Read the table."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    entries = [_entry(topic, item) for topic, items in content["topics"].items() for item in items]
    return Table(tuple(entries), frozenset(content["untested"]))


def refusals(recipe: Mapping[str, Any]) -> list[str]:
    """List what a recipe sets and cannot be carried out: key, what to do, why.

    Args:
        recipe: as read from YAML with the command line's overrides, nested keys as nested mappings.
    """
    problems: dict[str, str] = {}
    for key, value in set_keys(recipe):
        entry = table().entry(key, value)
        if entry and entry.verdict == REFUSED and not any(key.startswith(f"{above}.") for above in problems):
            allowed = [_yaml(item) for item in _allowed(key)]
            remedy = f"set it to {' or '.join(allowed)}, or leave it out" if allowed else "leave it out"
            problems[key] = f"{key}: {remedy}; {entry.text}."
    return list(problems.values())


def findings(recipe: Mapping[str, Any], verdict: str) -> dict[Entry, list[str]]:
    """Return a recipe's keys with a verdict other than `works`, by entry; arguments as `refusals`."""
    found: dict[Entry, list[str]] = {}
    for key, value in set_keys(recipe):
        entry = table().entry(key, value)
        if entry and entry.verdict == verdict:
            found.setdefault(entry, []).append(f"{key}: {_yaml(value)}" if entry.values else key)
    return found


def untested(recipe: Mapping[str, Any]) -> list[str]:
    """List what a recipe switches on and nobody here has tried; argument as `refusals`."""
    return [
        key
        for key, value in set_keys(recipe)
        if value and table().entry(key, value) is None and table().knows(key.replace("test_datasets", "datasets", 1))
    ]


def _allowed(key: str) -> list[Any]:
    """Return the values of a key that are named in the table and not refused."""
    return [
        value
        for entry in table().entries
        if key in entry.keys and entry.verdict != REFUSED
        for value in entry.values
        if not isinstance(value, bool) or value
    ]


def set_keys(content: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a recipe's keys that are not null, nested ones as dotted names, with their values."""
    for key, value in content.items():
        if value is None:
            continue
        yield f"{where}{key}", value
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                yield from set_keys(item, f"{where}{key}.")


def _entry(topic: str, item: dict[str, Any]) -> Entry:
    (verdict,) = [name for name in VERDICTS if name in item]
    return Entry(topic, tuple(item["keys"]), verdict, item[verdict], tuple(item.get("values", ())))


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
