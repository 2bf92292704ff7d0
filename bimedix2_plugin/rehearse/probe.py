"""Observes a rehearsal's training from inside: packs, trained parameters, memory; and stops it where it is told to.

A plugin beside the project's own, so that what it sees is the model, precision, sharding and attention of the run.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from axolotl.utils.dict import DictDefault
from bitsandbytes.nn import Params4bit
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bimedix2_plugin.data.rendering import IGNORED
from bimedix2_plugin.training.fsdp import gather


class RehearsalArgs(BaseModel):
    """`rehearsal:` in a recipe that a rehearsal has written."""

    model_config = ConfigDict(extra="forbid")

    evidence: str = Field(description="Path without suffix: what was seen is written to .json and .safetensors.")
    compare: bool = Field(default=True, description="Compare rows packed and alone, and parameters before and after.")
    kill_at: int | None = Field(default=None, description="Kill the process when this step begins, as a crash would.")


class ProbeArgs(BaseModel):
    """The plugin's key."""

    rehearsal: RehearsalArgs | None = Field(default=None, description="Written by `axolotl bimedix2-rehearse`.")


class ProbePlugin(BasePlugin):
    """Adds the observer to the trainer."""

    def get_input_args(self) -> str:
        """Return the path of the schema of the plugin's key."""
        return "bimedix2_plugin.rehearse.probe.ProbeArgs"

    def add_callbacks_post_trainer(self, cfg: DictDefault, trainer: Any) -> list[Any]:
        """Add the observer, in training only."""
        return [Observer(trainer, cfg.rehearsal)] if cfg.rehearsal else []


class Observer(TrainerCallback):
    """Writes what a proof needs: two rows packed and alone, which parameters moved, peak memory, logits at the end."""

    def __init__(self, trainer: Any, settings: Any) -> None:
        self.trainer = trainer
        self.evidence, self.kill_at = Path(settings["evidence"]), settings.get("kill_at")
        self.compare = settings.get("compare") is not False
        self.seen: dict[str, Any] = {}
        self._before: dict[str, torch.Tensor] = {}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Compare two rows packed and alone, and remember every parameter."""
        if self.compare:
            with torch.random.fork_rng(devices=[]):
                self.seen["pack"] = packed_and_alone(self.trainer)
            self._before = _stored(self.trainer.model)

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Kill this process at the step that the recipe names."""
        if self.kill_at is not None and state.global_step == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Write the evidence."""
        self.seen["losses"] = {entry["step"]: entry["loss"] for entry in state.log_history if "loss" in entry}
        self.seen["ranks"] = self.trainer.accelerator.num_processes
        if torch.cuda.is_available():
            self.seen["peak bytes"] = torch.cuda.max_memory_allocated()
        tensors = {}
        if self._before:
            self.seen["parameters"] = _moved(self.trainer.model, self._before)
            tensors = _last_logits(self.trainer)
        if state.is_world_process_zero:
            self.evidence.with_suffix(".json").write_text(json.dumps(self.seen), encoding="utf-8")
            save_file(tensors, self.evidence.with_suffix(".safetensors"))


def packed_and_alone(trainer: Any) -> dict[str, Any]:
    """Compute loss and gradients of two rows in one pack, each alone, and in a pack whose rows see each other.

    All with the trainer's own model, precision and attention, without dropout.

    Returns:
        rows: their ids; losses: summed, nats, by "packed", "alone" and "leaking"; gradients: the norm of the
        difference to "alone", relative to its norm, by "packed" and "leaking".
    """
    rows = _two_rows(trainer.train_dataset)
    pack = trainer.data_collator(rows)
    documents = [trainer.data_collator([row]) for row in rows]
    places = torch.arange(pack["input_ids"].shape[1])
    leaking = {**pack, "position_ids": places.expand(pack["position_ids"].shape)}
    labelled = pack["shift_labels"].numel()
    dropouts = [module for module in trainer.model.modules() if isinstance(module, torch.nn.Dropout)]
    trainer.model.train()
    for module in dropouts:
        module.eval()
    results = {
        name: _loss_and_gradients(trainer, batches, labelled)
        for name, batches in (("alone", documents), ("packed", [pack]), ("leaking", [leaking]))
    }
    for module in dropouts:
        module.train()
    alone = results["alone"][1]
    return {
        "rows": [row["id"] for row in rows],
        "losses": {name: loss for name, (loss, _) in results.items()},
        "gradients": {name: _difference(results[name][1], alone) for name in ("packed", "leaking")},
    }


def _two_rows(dataset: Any) -> list[dict[str, Any]]:
    """Return two different rows, with images where there are such, the longer first so that a leak shows most."""
    rows = [dataset[number] for number in range(min(len(dataset), 16))]
    first = max(rows, key=lambda row: (len(row["images"]), len(row["input_ids"])))
    others = [row for row in rows if row["id"] != first["id"]] or rows
    return [first, max(others, key=lambda row: sum(label != IGNORED for label in row["labels"]))]


def _loss_and_gradients(trainer: Any, batches: list[Any], labelled: int) -> tuple[float, torch.Tensor | None]:
    """Return the summed loss of batches, and their gradients as one vector (None where DeepSpeed owns them)."""
    model, total = trainer.model_wrapped, 0.0
    own = not trainer.is_deepspeed_enabled
    for batch in batches:
        inputs = {key: value for key, value in batch.items() if key != "rows"}
        with torch.set_grad_enabled(own), trainer.compute_loss_context_manager():
            inputs = trainer._prepare_inputs(inputs)
            loss = trainer.compute_loss(
                model, inputs, num_items_in_batch=torch.tensor(labelled, device=trainer.args.device)
            )
        total += float(loss.detach()) * labelled
        if own:
            trainer.accelerator.backward(loss)
    if not own:
        return total, None
    gradients = [gather(p.grad).float().flatten().cpu() for p in trainer.model.parameters() if p.grad is not None]
    trainer.model.zero_grad(set_to_none=True)
    return total, torch.cat(gradients)


def _difference(one: torch.Tensor | None, other: torch.Tensor | None) -> float | None:
    return None if one is None or other is None else float((one - other).norm() / other.norm())


def _stored(model: Any) -> dict[str, torch.Tensor]:
    return {name: _bytes(value).clone() for name, value in model.named_parameters()}


def _bytes(value: torch.Tensor) -> torch.Tensor:
    """Return a parameter's bytes: 4-bit weights that are stored as bf16 are no numbers, and NaN equals nothing."""
    return gather(value.detach()).cpu().contiguous().flatten().view(torch.uint8)


def _moved(model: Any, before: dict[str, torch.Tensor]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "trained": value.requires_grad,
            "moved": not torch.equal(_bytes(value), before[name]),
            "shape": list(value.shape),
            "dtype": "4 bits" if isinstance(value, Params4bit) else str(value.dtype).removeprefix("torch."),
        }
        for name, value in model.named_parameters()
    }


def _last_logits(trainer: Any) -> dict[str, torch.Tensor]:
    """Return the trained model's logits before the labelled tokens of one row with an image, with its inputs."""
    row = _two_rows(trainer.train_dataset)[0]
    batch = trainer.data_collator([row])
    keys = batch.keys() - {"rows", "labels", "shift_labels"}
    trainer.model.eval()
    with torch.no_grad(), trainer.compute_loss_context_manager():
        inputs = trainer._prepare_inputs({key: batch[key] for key in keys})
        logits = trainer.model_wrapped(**inputs, use_cache=False).logits
    trainer.model.train()
    return {**{key: batch[key].contiguous() for key in keys}, "logits": logits.float().cpu().contiguous()}
