"""Check a mapping from YAML against the fields of a dataclass, and report all errors together."""

import dataclasses
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

_RULE = "rule"


class Rule(NamedTuple):
    """A condition on a value beyond its type; `says` ends the message about a value that fails it."""

    holds: Callable[[Any], bool]
    says: str


def at_least(bound: int) -> dict[str, Rule]:
    """Field metadata: a number not below the bound."""
    return {_RULE: Rule(lambda value: value >= bound, f"wanted: at least {bound}")}


def above(bound: int) -> dict[str, Rule]:
    """Field metadata: a finite number above the bound."""
    return {_RULE: Rule(lambda value: bound < value < float("inf"), f"wanted: more than {bound}, and finite")}


def between(low: int, high: int) -> dict[str, Rule]:
    """Field metadata: a number from `low` to `high`, both included."""
    return {_RULE: Rule(lambda value: low <= value <= high, f"wanted: {low} to {high}")}


def one_of(known: tuple[str, ...]) -> dict[str, Rule]:
    """Field metadata: one of these names."""
    return {_RULE: Rule(lambda value: value in known, f"known: {', '.join(known)}")}


def fields(kind: type) -> dict[str, dataclasses.Field]:
    """The fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(kind)}


def errors(where: str, given: Any, kind: type, skip: frozenset[str] = frozenset()) -> list[str]:
    """Unknown keys, missing keys, values of the wrong type, and values that fail the rule of their field.

    `skip` names keys checked elsewhere. A null that the type allows passes any rule.
    """
    if not isinstance(given, dict):
        what = f"wanted: a mapping with the keys {', '.join(fields(kind))}"
        return [f"{where.rstrip('.') or 'the file'}: {given!r:.200}; {what}"]
    known, hints = fields(kind), typing.get_type_hints(kind)
    unset = dataclasses.MISSING
    needed = [name for name, field in known.items() if field.default is field.default_factory is unset]
    found = [f"{where}{key}: unknown key; known: {', '.join(known)}" for key in given if key not in known]
    found += [f"{where}{name}: this key is required" for name in needed if name not in given and name not in skip]
    for key in sorted(given.keys() & known.keys() - skip):
        rule = known[key].metadata.get(_RULE)
        if not _fits(given[key], hints[key]):
            found.append(f"{where}{key}: {given[key]!r}; wanted: {getattr(hints[key], '__name__', hints[key])}")
        elif rule and given[key] is not None and not rule.holds(given[key]):
            found.append(f"{where}{key}: {given[key]!r}; {rule.says}")
    return found


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    kind = typing.get_origin(hint) or hint
    if kind is typing.Literal:
        return value in typing.get_args(hint)
    if kind is list:
        return isinstance(value, list) and all(_fits(item, typing.get_args(hint)[0]) for item in value)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
