"""Runs of each supported model, tiny: the native ones, and one that is composed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText

from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from tests.helpers import quick, runs

NATIVE: dict[str, Any] = {"vision_tower": None, "image_aspect": None, "projector": {"learning_rate": 2e-3}}
COMPOSED = {"composed": {}, "composed with DINOv2": {"vision_tower": "./dino"}}
EVERY = [*sorted(MAKERS), *COMPOSED]
WHOLE: dict[str, Any] = dict.fromkeys(("adapter", "lora_r", "lora_alpha", "lora_dropout"))
_NOT_THE_MODELS = ("labels", "shift_labels", "logits_to_keep", "rows")


def changes(name: str) -> dict[str, Any]:
    """Return a recipe's changes for one of EVERY; make the native model here if it is not there."""
    if name in COMPOSED:
        return quick.IN_PROCESS | COMPOSED[name]
    if not Path(name).is_dir():
        native(Path(name), name)
    return quick.IN_PROCESS | NATIVE | {"base_model": f"./{name}"}


def train(cfg: Any) -> Any:
    """Run `axolotl train` in this process; return its trainer."""
    from axolotl.train import train as run

    return run(cfg=cfg, dataset_meta=quick.prepared(cfg))[2]


def losses(trainer: Any) -> dict[int, float]:
    """Return the loss of each step."""
    return {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}


def trained_logits(trainer: Any) -> tuple[dict[str, Any], torch.Tensor]:
    """Return a row with an image as the model takes it, and the trained model's logits for it."""
    row = next(row for row in trainer.train_dataset if row["images"])
    given = {key: value for key, value in trainer.data_collator([row]).items() if key not in _NOT_THE_MODELS}
    with torch.no_grad():
        return given, trainer.model.eval()(**given, use_cache=False).logits


def read(folder: str | os.PathLike[str]) -> Any:
    """Read a checkpoint with transformers alone; every tensor has to be found."""
    model, report = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    return model.eval()


def configuration(name: str, **more: Any) -> Any:
    """Load a recipe for one of EVERY, with further changes."""
    return runs.configuration(**changes(name) | {"output_dir": f"./out_{name.rsplit(maxsplit=1)[-1]}"} | more)
