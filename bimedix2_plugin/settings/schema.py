"""The keys of a recipe's schema, nested ones as dotted names, and the keys of a recipe that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel


def key_names(schema: type[BaseModel], where: str = "") -> Iterator[str]:
    """Yield the keys of a pydantic model and of the models in it: `base_model`, `fsdp_config.fsdp_version`.

    Args:
        schema: the model; its aliases are keys as well.
        where: dotted path of the model in the recipe, with a dot at its end.
    """
    for key, annotation in _fields(schema).items():
        yield f"{where}{key}"
        for model in _models(annotation):
            yield from key_names(model, f"{where}{key}.")


def unknown_keys(content: dict[str, Any], schema: type[BaseModel], where: str = "") -> list[str]:
    """List the keys of a mapping that a pydantic model does not have, nested models included.

    Args:
        content: the mapping.
        schema: the model.
        where: dotted path of the mapping in the recipe.
    """
    fields = _fields(schema)
    problems = []
    for key, value in content.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), list(fields), n=1)
            hint = f" Did you mean {near[0]}?" if near else " Axolotl would ignore it."
            problems.append(f"{where}{key}: no such key.{hint}")
            continue
        models = _models(fields[key])
        for item in value if isinstance(value, list) else [value]:
            if models and isinstance(item, dict):
                found = [unknown_keys(item, model, f"{where}{key}.") for model in models]
                problems += sorted(found, key=len)[0]
    return problems


def _fields(schema: type[BaseModel]) -> dict[str, Any]:
    """Return a model's keys, aliases included, with their types."""
    fields: dict[str, Any] = {}
    for name, field in schema.model_fields.items():
        alias = field.validation_alias
        names = {name, field.alias, *(getattr(alias, "choices", None) or [alias])}
        fields |= {key: field.annotation for key in names if isinstance(key, str)}
    return fields


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the pydantic models inside a type such as `list[A | B] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
