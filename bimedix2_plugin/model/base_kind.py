"""What `base_model:` may name: a language model beside a vision tower, or a model that already sees."""

from __future__ import annotations

from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.families import BASES, REFUSED, TOWERS, base_of
from bimedix2_plugin.model.vision_language.registry import BY_TYPE

WORKING = (
    f"What works: a model that already sees ({', '.join(sorted(BY_TYPE))}), without a vision_tower; or a language "
    f"model ({', '.join(sorted(BASES))}) with one ({', '.join(sorted(TOWERS))})."
)


def check_base(name: str, config: dict[str, Any], *, with_tower: bool) -> None:
    """Check that a base is of the kind that the recipe needs.

    Args:
        name: as in the recipe.
        config: the base's config.json.
        with_tower: whether the recipe names a vision tower.

    Raises:
        RecipeError: it is a tower, it sees and a tower is named, it does not see and none is named, or it is not
            supported; lists what is.
    """
    model_type = config.get("model_type")
    known = BASES | BY_TYPE
    if model_type in TOWERS:
        problem = "a vision tower: name it as vision_tower, and a language model here"
    elif model_type not in known and "auto_map" in config:
        problem = "which needs code of its own (auto_map in its config.json); such code is never run"
    elif model_type in REFUSED:
        problem = f"which is not supported: {REFUSED[model_type]}"
    elif model_type not in known:
        problem = "which is not supported"
    elif with_tower and model_type in BY_TYPE:
        problem = "which has a tower of its own: leave vision_tower out, or name a language model"
    elif not with_tower and model_type in BASES:
        problem = "which does not see: add a vision_tower, or name a model that already sees"
    else:
        if with_tower:
            base_of(name, config)
        return
    raise RecipeError(f"base_model: {name} is of model type {model_type!r}, {problem}. {WORKING}")
