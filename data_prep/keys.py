"""Check a mapping from YAML against the fields of a dataclass, all errors together."""

import dataclasses
import types
import typing
from typing import Any


def fields(kind: type) -> dict[str, dataclasses.Field]:
    """The fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(kind)}


def errors(where: str, given: Any, kind: type, skip: frozenset[str] = frozenset()) -> list[str]:
    """Unknown and missing keys, and values of another type than the field's; `skip` names keys checked elsewhere."""
    if not isinstance(given, dict):
        return [
            f"{where.rstrip('.') or 'the file'}: {given!r}; wanted: a mapping with the keys {', '.join(fields(kind))}"
        ]
    known, hints = fields(kind), typing.get_type_hints(kind)
    unset = dataclasses.MISSING
    needed = [name for name, field in known.items() if field.default is field.default_factory is unset]
    found = [f"{where}{key}: unknown key; known: {', '.join(known)}" for key in given if key not in known]
    found += [f"{where}{name}: this key is needed" for name in needed if name not in given and name not in skip]
    for key in sorted(given.keys() & known.keys() - skip):
        if not _fits(given[key], hints[key]):
            found.append(f"{where}{key}: {given[key]!r}; wanted: {getattr(hints[key], '__name__', hints[key])}")
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
