"""Checks on a recipe as it is written, before Axolotl validates it; all problems are reported together.

Axolotl silently ignores unknown keys, looks for a missing data folder on the Hub, and accepts settings that are wrong
for a LLaVA model.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, get_args

from axolotl.utils.dict import DictDefault
from pydantic import BaseModel

from bimedix2_plugin.data.prepared_set import MANIFEST, data_paths, shards
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.projector import FINISHED
from bimedix2_plugin.recipe import read_yaml, settings

STRATEGY = "bimedix2_plugin.conversation"

# Keys that every recipe has to state, so that it shows what the run does: key, value, reason.
REQUIRED: tuple[tuple[str, Any, str], ...] = (
    ("excess_length_strategy", "raise", "Axolotl would silently drop rows that are too long"),
    ("remove_unused_columns", False, "the collator needs the rows' image references"),
)
_FORBIDDEN = {
    "skip_prepare_dataset": "rows are tokenized when the dataset is prepared",
    "image_size": "the tower and image_aspect decide the size of images",
    "lora_target_linear": "it would add a LoRA to the tower; targets follow from the base",
    "lora_modules_to_save": "the projector is trained in full, and nothing else",
    "lr_groups": "it misses the projector's biases; use projector.learning_rate",
    "streaming": "the prepared set is on disk",
}


def check(cfg: DictDefault) -> None:
    """Check a recipe.

    Args:
        cfg: as read from YAML with the command line's overrides, not yet validated.

    Raises:
        RecipeError: lists every problem found.
    """
    problems = [*_unknown_in_file(cfg), *_settings(cfg), *_data(cfg)]
    if problems:
        raise RecipeError(problems)


def _unknown_in_file(cfg: DictDefault) -> list[str]:
    """List the keys of the YAML file that neither Axolotl nor the plugin knows."""
    from axolotl.integrations.config import merge_input_args

    path = cfg.axolotl_config_path
    schema = merge_input_args()[1]
    return unknown_keys(read_yaml(path) if path else cfg.to_dict(), schema)


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


def _settings(cfg: DictDefault) -> list[str]:
    problems = [f"{key}: set it to {_yaml(value)}; {why}." for key, value, why in REQUIRED if cfg.get(key) != value]
    problems += [f"{key}: leave it out; {why}." for key, why in _FORBIDDEN.items() if cfg.get(key)]
    if cfg.sample_packing and not cfg.balance_labels:
        problems.append("balance_labels: set it to true; without it a resumed run packs rows differently.")
    if not cfg.vision_tower:
        problems.append("vision_tower: name a vision model (a Hub id, or a folder that starts with ./).")
    if not cfg.base_model:
        problems.append("base_model: name a language model (a Hub id, or a folder that starts with ./).")
    align = settings(cfg).stage == "align"
    if align and cfg.deepspeed:
        problems.append(
            "deepspeed: leave it out; its checkpoints hold the frozen model. Stage align runs under DDP or, where the "
            "base does not fit on one GPU, under FSDP2 (fsdp_config)."
        )
    problems += _fsdp(cfg, align=align)
    start = settings(cfg).projector.init_from
    not_training = cfg.is_preprocess or cfg.inference or cfg.merge_lora or cfg.lora_model_dir
    if start and not (Path(start) / FINISHED).is_file() and not not_training:
        first = stage_1_recipe(cfg, start)
        command = f"`axolotl train {first}`" if first else "its recipe to the end"
        problems.append(f"projector.init_from: {start} holds no finished stage 1. Run {command} first.")
    if align and cfg.adapter:
        problems.append("adapter: leave it out; stage align trains the projector only.")
    if not align and cfg.adapter not in ("lora", "qlora"):
        problems.append("adapter: set it to lora or qlora; stage instruct trains a LoRA and the projector.")
    return problems


def stage_1_recipe(cfg: DictDefault, start: str) -> Path | None:
    """Find the recipe that writes stage 2's `init_from`: in the whole `recipes/`, or beside a recipe elsewhere."""
    if not cfg.axolotl_config_path:
        return None
    folders = Path(cfg.axolotl_config_path).parents
    tree = next((folder for folder in folders if folder.name == "recipes"), folders[0])
    line = re.compile(rf"^output_dir: *{re.escape(start)} *(#.*)?$", re.MULTILINE)
    files = sorted(tree.rglob("*_stage1.yml"))
    return next((file for file in files if line.search(file.read_text(encoding="utf-8"))), None)


def _fsdp(cfg: DictDefault, *, align: bool) -> list[str]:
    """List the FSDP2 settings with which a run could not save: stage align saves full tensors, a LoRA sharded ones."""
    fsdp = cfg.fsdp_config or {}
    wanted = "FULL_STATE_DICT" if align else "SHARDED_STATE_DICT"
    problems = []
    if cfg.fsdp_config and fsdp.get("state_dict_type") != wanted:
        problems.append(
            f"fsdp_config.state_dict_type: set it to {wanted}; "
            + (
                "after the last step Axolotl would look for sharded weights, which stage align does not write."
                if align
                else "every checkpoint would gather the frozen model on one rank."
            )
        )
    if fsdp.get("offload_params"):
        problems.append("fsdp_config.offload_params: leave it out; the projector is gathered from the GPUs.")
    return problems


def _data(cfg: DictDefault) -> list[str]:
    problems = []
    for entry, _ in _entries(cfg):
        if entry.get("type") != STRATEGY:
            problems.append(f"datasets: {entry.get('path')}: type must be {STRATEGY}, is {entry.get('type')!r}.")
    if cfg.inference or cfg.merge_lora or cfg.lora_model_dir:
        return problems  # a trained adapter can be merged or queried after its data is gone
    for entry, default in _entries(cfg):
        path, split = entry.get("path") or "", entry.get("split") or default
        if (Path(path) / MANIFEST).is_file() and not shards(path, split):
            known = sorted({file.name.partition("-")[0] for file in Path(path).glob("*-of-*.parquet")})
            problems.append(f"datasets: {path} has no split {split!r}; it has {', '.join(known)}.")
    for path in dict.fromkeys(data_paths(cfg)):
        if not (Path(path) / MANIFEST).is_file():
            what = "has no manifest.json, so it is not complete" if Path(path).is_dir() else "is not there"
            problems.append(f"datasets: {path} {what}. {_how_to_build(path)}")
    return problems


def _how_to_build(path: str) -> str:
    mixture = Path("recipes/data") / f"{Path(path).name.replace('-', '_')}.yml"
    command = f"`python -m data_prep build {mixture} --out {path}`."
    if mixture.is_file():
        return f"Build it: {command}"
    return f"Write {mixture} (recipes/data/quickstart.yml is an example), then build it: {command}"


def _entries(cfg: DictDefault) -> list[tuple[dict[str, Any], str]]:
    """Return the recipe's datasets, each with its default split."""
    return [(entry, "train") for entry in cfg.datasets or []] + [(entry, "test") for entry in cfg.test_datasets or []]


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
