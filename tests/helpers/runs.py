"""Axolotl in this process: a recipe as a mapping, to its configuration, data and trainer."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECIPE: dict[str, Any] = {
    "base_model": "./llama",
    "chat_template": "tokenizer_default",
    "plugins": ["bimedix2_plugin.BiMediX2Plugin"],
    "vision_tower": "./clip",
    "projector": {"learning_rate": 2e-3},
    "image_aspect": "pad",
    "stage": "instruct",
    "system": "A chat.",
    "datasets": [{"path": "./data", "type": "bimedix2_plugin.conversation", "split": "train"}],
    "sequence_len": 512,
    "sample_packing": True,
    "eval_sample_packing": False,
    "balance_labels": True,
    "excess_length_strategy": "raise",
    "remove_unused_columns": False,
    "adapter": "lora",
    "lora_r": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
    "micro_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "num_epochs": 1,
    "optimizer": "adamw_torch",
    "lr_scheduler": "cosine",
    "learning_rate": 1e-3,
    "bf16": False,
    "fp16": False,
    "tf32": False,
    "attn_implementation": "sdpa",
    "dataset_num_proc": 1,
    "seed": 1,
    "logging_steps": 1,
    "save_strategy": "no",
    "output_dir": "./out",
}
ALIGN = {"stage": "align", "adapter": None, "lora_r": None, "lora_alpha": None, "lora_dropout": None}


def recipe(**changes: Any) -> dict[str, Any]:
    """A complete recipe over the folder's tiny parts; a key set to None is left out."""
    merged = RECIPE | changes
    return {key: value for key, value in merged.items() if value is not None}


@contextmanager
def inside(folder: Path):
    """Work in a folder, as a user of a recipe with relative paths does."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def configuration(**changes: Any):
    """Load a recipe as `axolotl` does: checked, validated, composed."""
    from axolotl.cli.config import load_cfg
    from axolotl.utils.dict import DictDefault

    command = {key: changes.pop(key) for key in ("inference", "merge_lora") if key in changes}
    return load_cfg(DictDefault(recipe(**changes)), **command)


def datasets(cfg: Any):
    """Prepare a configuration's data as `axolotl train` does."""
    from axolotl.cli.args import TrainerCliArgs
    from axolotl.common.datasets import load_datasets

    return load_datasets(cfg=cfg, cli_args=TrainerCliArgs())


def trainer(cfg: Any):
    """Build Axolotl's trainer for a configuration, with its model and data."""
    from axolotl.train import setup_model_and_trainer

    return setup_model_and_trainer(cfg, datasets(cfg))[0]


def train(**changes: Any):
    """Run `axolotl train` in this process; return its trainer."""
    from axolotl.train import train as run

    cfg = configuration(**changes)
    return run(cfg=cfg, dataset_meta=datasets(cfg))[2]
