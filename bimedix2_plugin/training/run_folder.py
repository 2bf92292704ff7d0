"""The plugin's files in a run's output folder: `composition.json`, `finished.json`, and no partial checkpoint."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from axolotl.utils.dict import DictDefault
from axolotl.utils.logging import get_logger
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.model.projector import FINISHED, WEIGHTS
from bimedix2_plugin.recipe import hyperparameters, settings
from bimedix2_plugin.steps import write_progress

LOG = get_logger(f"axolotl.{__name__}")  # Axolotl shows information from its own names only
_WRITTEN_LAST = "trainer_state.json"  # by the trainer, into a checkpoint


class CompositionCallback(TrainerCallback):
    """Copies the composed model's `composition.json` into each `checkpoint-*`."""

    def __init__(self, composed: str | Path) -> None:
        self.file = Path(composed) / COMPOSITION

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Copy the file, on the main process only."""
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero and folder.is_dir():
            shutil.copyfile(self.file, folder / COMPOSITION)


class ProgressCallback(TrainerCallback):
    """Tells the step of the Makefile that waits for this run, if there is one, how far it is."""

    def __init__(self) -> None:
        self.loss: float | None = None

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Keep the last loss; Axolotl's logs may hold it as text."""
        if logs and "loss" in logs:
            self.loss = float(logs["loss"])
        self.on_step_end(args, state, control)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write the step, on the main process only."""
        if state.is_world_process_zero:
            write_progress(state.global_step, state.max_steps, self.loss)


def clear_finished_marker(cfg: DictDefault) -> None:
    """Remove an earlier run's `finished.json`, and remember the modification time of that run's weights."""
    if _is_main_process(cfg):
        (Path(cfg.output_dir) / FINISHED).unlink(missing_ok=True)
        cfg.weights_before = _weights_time(cfg)


def weights_are_saved(cfg: DictDefault) -> bool:
    """Whether this run's final weights are in its folder; on the main process only."""
    return _is_main_process(cfg) and _weights_time(cfg) != cfg.weights_before


def write_finished_marker(cfg: DictDefault) -> None:
    """Write `composition.json` and, if the final weights have been saved by then, `finished.json`."""
    if not _is_main_process(cfg):
        return
    out = Path(cfg.output_dir)
    shutil.copyfile(Path(cfg.base_model) / COMPOSITION, out / COMPOSITION)
    if weights_are_saved(cfg):
        parts = json.loads((out / COMPOSITION).read_text(encoding="utf-8"))
        finished = {
            "stage": settings(cfg).stage,
            "base": parts["base"]["config"],
            "tower": parts["tower"]["config"] if "tower" in parts else None,
            "datasets": [entry["path"] for entry in cfg.datasets or []],
            # The number of ranks is part of the batch size.
            "hyperparameters": hyperparameters(cfg) | {"ranks": int(os.environ.get("WORLD_SIZE", "1"))},
        }
        (out / FINISHED).write_text(json.dumps(finished, indent=1), encoding="utf-8")


def remove_partial_checkpoints(cfg: DictDefault) -> None:
    """Remove checkpoints that a killed run did not finish; resuming would take the newest and fail."""
    if not _is_main_process(cfg):
        return
    for folder in Path(cfg.output_dir).glob("checkpoint-*"):
        try:
            json.loads((folder / _WRITTEN_LAST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            LOG.warning("%s is incomplete and is removed", folder)
            shutil.rmtree(folder, ignore_errors=True)


def _is_main_process(cfg: DictDefault) -> bool:
    return int(os.environ.get("RANK", cfg.local_rank or 0)) == 0


def _weights_time(cfg: DictDefault) -> int | None:
    adapter = SAFETENSORS_WEIGHTS_NAME if cfg.adapter else "model*.safetensors"
    pattern = WEIGHTS if settings(cfg).stage == "align" else adapter
    return max((file.stat().st_mtime_ns for file in Path(cfg.output_dir).glob(pattern)), default=None)
