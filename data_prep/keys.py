"""Check a mapping from YAML against the fields of a dataclass, all errors together."""

import dataclasses
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

_RULE = "rule"


class Rule(NamedTuple):
    """What a value must be beyond its type; `says` ends the message about one that is not."""

    holds: Callable[[Any], bool]
    says: str


def at_least(bound: int) -> dict[str, Rule]:
    """Metadata of a dataclass's field: no number below the bound, which is itself allowed."""
    return {_RULE: Rule(lambda value: value >= bound, f"wanted: at least {bound}")}


def above(bound: int) -> dict[str, Rule]:
    """Metadata of a dataclass's field: a finite number above the bound."""
    return {_RULE: Rule(lambda value: bound < value < float("inf"), f"wanted: more than {bound}, and finite")}


def between(low: int, high: int) -> dict[str, Rule]:
    """Metadata of a dataclass's field: a number from the one to the other, both allowed."""
    return {_RULE: Rule(lambda value: low <= value <= high, f"wanted: {low} to {high}")}


def one_of(known: tuple[str, ...]) -> dict[str, Rule]:
    """Metadata of a dataclass's field: one of these names."""
    return {_RULE: Rule(lambda value: value in known, f"known: {', '.join(known)}")}


def fields(kind: type) -> dict[str, dataclasses.Field]:
    """The fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(kind)}


def errors(where: str, given: Any, kind: type, skip: frozenset[str] = frozenset()) -> list[str]:
    """Unknown and missing keys, values of another type than the field's, and such that its rule does not allow.

    `skip` names keys checked elsewhere. A key that may be null is allowed to be so whatever its rule.
    """
    if not isinstance(given, dict):
        what = f"wanted: a mapping with the keys {', '.join(fields(kind))}"
        return [f"{where.rstrip('.') or 'the file'}: {given!r:.200}; {what}"]
    known, hints = fields(kind), typing.get_type_hints(kind)
    unset = dataclasses.MISSING
    needed = [name for name, field in known.items() if field.default is field.default_factory is unset]
    found = [f"{where}{key}: unknown key; known: {', '.join(known)}" for key in given if key not in known]
    found += [f"{where}{name}: this key is needed" for name in needed if name not in given and name not in skip]
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
