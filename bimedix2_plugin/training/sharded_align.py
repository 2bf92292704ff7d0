"""Stage align's checkpoints where FSDP2 shares the model out: the projector and its optimizer state, as on one GPU.

By itself transformers writes the frozen model into every one of them, 141 GB at 70B.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from axolotl.core.trainers.base import AxolotlTrainer
from torch.utils._pytree import tree_map

from bimedix2_plugin.training.sharding import part_of, whole
from bimedix2_plugin.training.stages import is_projector

_OPTIMIZER, _SCHEDULER = "optimizer.pt", "scheduler.pt"  # transformers' names


class ShardedAlignMixin(AxolotlTrainer):
    """Saves and loads what stage align trains, whole; in other runs it does nothing."""

    model: Any
    optimizer: Any
    lr_scheduler: Any

    def _gathers(self) -> bool:
        return bool(self.is_fsdp_enabled and self.axolotl_cfg.stage == "align")

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save as on one GPU, from the projector's gathered tensors."""
        if not self._gathers():
            super().save_model(output_dir, _internal_call)
            return
        state = {name: whole(value.detach()) for name, value in self.model.named_parameters() if is_projector(name)}
        if self.args.should_save:
            self._save(output_dir, state_dict=state)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self._gathers():
            super()._save_optimizer_and_scheduler(output_dir)
            return
        state = tree_map(whole, self.optimizer.state_dict())
        if self.args.should_save:
            torch.save(state, Path(output_dir) / _OPTIMIZER)
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / _SCHEDULER)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not self._gathers():
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        state = torch.load(Path(checkpoint) / _OPTIMIZER, map_location="cpu", weights_only=True)
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        numbers = [number for group in state["param_groups"] for number in group["params"]]
        for number, parameter in zip(numbers, parameters, strict=True):
            values = state["state"][number]
            state["state"][number] = {name: part_of(value, parameter) for name, value in values.items()}
        self.optimizer.load_state_dict(state)
        self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / _SCHEDULER, weights_only=True))
