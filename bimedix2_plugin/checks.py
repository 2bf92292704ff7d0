"""Checks on a recipe as it is written, before Axolotl validates it; all problems are reported together.

Axolotl silently ignores unknown keys, looks for a missing data folder on the Hub, and accepts settings that are wrong
for a LLaVA model.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from axolotl.utils.dict import DictDefault

from bimedix2_plugin.data.prepared_set import MANIFEST, data_paths, shards
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.projector import FINISHED
from bimedix2_plugin.recipe import read_yaml, settings
from bimedix2_plugin.settings import verdicts
from bimedix2_plugin.settings.schema import unknown_keys

STRATEGY = "bimedix2_plugin.conversation"

# Keys that every recipe has to state, so that it shows what the run does: key, value, reason.
REQUIRED: tuple[tuple[str, Any, str], ...] = (
    ("excess_length_strategy", "raise", "Axolotl would silently drop rows that are too long"),
    ("remove_unused_columns", False, "the collator needs the rows' image references"),
)


def check(cfg: DictDefault) -> None:
    """Check a recipe.

    Args:
        cfg: as read from YAML with the command line's overrides, not yet validated.

    Raises:
        RecipeError: lists every problem found.
    """
    problems = [
        *_unknown_in_file(cfg),
        *_dropped_options(),
        *_settings(cfg),
        *verdicts.refusals(cfg.to_dict()),
        *_data(cfg),
    ]
    if problems:
        raise RecipeError(problems)


def _unknown_in_file(cfg: DictDefault) -> list[str]:
    """List the keys of the YAML file that neither Axolotl nor the plugin knows."""
    from axolotl.integrations.config import merge_input_args

    path = cfg.axolotl_config_path
    schema = merge_input_args()[1]
    return unknown_keys(read_yaml(path) if path else cfg.to_dict(), schema)


def _dropped_options() -> list[str]:
    """List the command's options that Axolotl does not know; with `--launcher python` it drops them."""
    context = click.get_current_context(silent=True)
    left_over = [word for word in context.args if word.startswith("--")] if context else []
    return [f"{option}: no such option; Axolotl would drop it. Set the key in the recipe." for option in left_over]


def _settings(cfg: DictDefault) -> list[str]:
    problems = [f"{key}: set it to {_yaml(value)}; {why}." for key, value, why in REQUIRED if cfg.get(key) != value]
    problems += _combinations(cfg)
    if not cfg.base_model:
        problems.append("base_model: name a model (a Hub id, or a folder that starts with ./).")
    problems += _native(cfg)
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
    return problems + (_align_adapter(cfg) if align else _instruct_adapter(cfg))


def _align_adapter(cfg: DictDefault) -> list[str]:
    given = [key for key in ("adapter", "vision_lora") if cfg.get(key)]
    problems = [f"{key}: leave it out; stage align trains the projector only." for key in given]
    if cfg.merge_lora and not given:
        problems.append("adapter: there is none, so that there is nothing to merge; stage align saves a projector.")
    return problems


def _instruct_adapter(cfg: DictDefault) -> list[str]:
    """List what contradicts a LoRA, or the training of the whole language model where there is no adapter."""
    problems = []
    if cfg.adapter:
        if cfg.adapter not in ("lora", "qlora"):
            problems.append("adapter: set it to lora or qlora, or leave it out to train the whole language model.")
        if cfg.vision_lora and isinstance(cfg.lora_target_modules, list):
            problems.append("lora_target_modules: write it as a regular expression together with vision_lora.")
        return problems
    if cfg.merge_lora:
        problems.append(
            f"adapter: there is none, so that there is nothing to merge; {cfg.output_dir} holds the whole checkpoint."
        )
    given = [key for key in ("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules") if cfg.get(key) is not None]
    given += [key for key in ("vision_lora",) if cfg.get(key)]
    problems += [
        f"{key}: set adapter to lora or qlora, or leave it out; without an adapter the whole language model is trained."
        for key in given
    ]
    if cfg.load_in_4bit:
        problems.append("load_in_4bit: set adapter: qlora; weights of 4 bits cannot be trained.")
    if cfg.load_best_model_at_end:
        problems.append("load_best_model_at_end: leave it out; it would not find the whole model's names.")
    sharded = (cfg.fsdp_config or {}).get("state_dict_type") == "SHARDED_STATE_DICT"
    if sharded and cfg.save_strategy == "no":
        problems.append("save_strategy: leave it out; Axolotl makes the finished weights of the last checkpoint's.")
    return problems


def _native(cfg: DictDefault) -> list[str]:
    """List the keys that describe a composed model, where the base already sees: its own processor decides."""
    if cfg.vision_tower:
        return []
    given = [key for key in ("image_aspect", "vision_feature_layer", "composed_path") if cfg.get(key) is not None]
    given += ["projector.kind"] if (cfg.projector or {}).get("kind") else []
    return [
        f"{key}: leave it out, or name a vision_tower; without one, base_model is a model that already sees, with a "
        "projector and an image processor of its own."
        for key in given
    ]


def _combinations(cfg: DictDefault) -> list[str]:
    """List settings that fail, or do nothing, together with others of the recipe."""
    problems = []
    if cfg.sample_packing and not cfg.balance_labels:
        problems.append("balance_labels: set it to true; without it a resumed run packs rows differently.")
    if cfg.balance_labels and not cfg.sample_packing:
        problems.append("balance_labels: leave it out without sample_packing; Axolotl balances padded batches only.")
    if cfg.load_best_model_at_end and settings(cfg).stage == "align":
        problems.append("load_best_model_at_end: leave it out; it finds no model in the projector's checkpoints.")
    if cfg.load_in_4bit and cfg.adapter == "lora":
        problems.append("load_in_4bit: set adapter: qlora; with adapter: lora Axolotl loads the base unquantised.")
    if cfg.load_in_4bit and (cfg.fsdp_config or {}).get("cpu_ram_efficient_loading"):
        problems.append(
            "fsdp_config.cpu_ram_efficient_loading: leave it out with load_in_4bit; Axolotl would quantise on one rank "
            "and refuse the merge of such an adapter."
        )
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
    given = (cfg.fsdp_config or {}).get("state_dict_type")
    whole, shards = "FULL_STATE_DICT", "SHARDED_STATE_DICT"
    if align:
        wanted = {whole: "after the last step Axolotl would look for sharded weights, which stage align does not write"}
    elif cfg.adapter:
        wanted = {shards: "every checkpoint would gather the frozen model on one rank"}
    else:
        wanted = dict.fromkeys((whole, shards), "the whole model could not be saved otherwise")
    if not cfg.fsdp_config or given in wanted:
        return []
    return [f"fsdp_config.state_dict_type: set it to {' or '.join(wanted)}; {next(iter(wanted.values()))}."]


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
