"""A recipe: the YAML file, the plugin's keys with their defaults, and the hyperparameters that a model card shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bimedix2_plugin.args import BiMediX2Args, ProjectorArgs, VisionLoraArgs
from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

# A model card shows these keys only: a recipe may also hold secrets, such as a token of a tracking service.
HYPERPARAMETERS = (
    "stage",
    "image_aspect",
    "system",
    "chat_template",
    "sequence_len",
    "sample_packing",
    "adapter",
    "load_in_4bit",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
    "peft_use_rslora",
    "micro_batch_size",
    "gradient_accumulation_steps",
    "num_epochs",
    "max_steps",
    "optimizer",
    "learning_rate",
    "lr_scheduler",
    "warmup_ratio",
    "warmup_steps",
    "weight_decay",
    "bf16",
    "seed",
)
NESTED_HYPERPARAMETERS = {"projector": ("kind", "learning_rate"), "vision_lora": ("r", "alpha", "learning_rate")}


def read(path: str | Path) -> DictDefault:
    """Read a recipe as it is written, without validating it.

    Raises:
        RecipeError: the file is missing, or is not a YAML mapping.
    """
    from axolotl.utils.dict import DictDefault

    return DictDefault(read_yaml(path)) | {"axolotl_config_path": str(path)}


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read the mapping in a recipe's file. Raises as `read`."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: not a readable recipe ({error}). Name a YAML file of recipes/.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: holds no keys. Name a YAML file of recipes/.")
    return content


def settings(cfg: Mapping[str, Any]) -> BiMediX2Args:
    """Return the plugin's keys of a recipe, with the default of each key that is absent or null.

    Values are not validated: Axolotl does that with the same schema, and reports all errors together. Not for
    `loss_spike`, where null is a value of its own.
    """
    given = {key: cfg[key] for key in BiMediX2Args.model_fields if cfg.get(key) is not None}
    given["projector"] = ProjectorArgs.model_construct(**_not_null(given.get("projector") or {}))
    if "vision_lora" in given:
        given["vision_lora"] = VisionLoraArgs.model_construct(**_not_null(given["vision_lora"]))
    return BiMediX2Args.model_construct(**given)


def hyperparameters(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that a recipe sets of those that a model card shows, the nested ones with dotted names."""
    return {key: cfg[key] for key in HYPERPARAMETERS if cfg.get(key) is not None} | {
        f"{outer}.{key}": value
        for outer, keys in NESTED_HYPERPARAMETERS.items()
        for key in keys
        if (value := (cfg.get(outer) or {}).get(key)) is not None
    }


def _not_null(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None}
