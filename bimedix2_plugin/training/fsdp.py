"""FSDP2: gradients are summed in float32; sharded weights are gathered to be saved and sharded again to be loaded.

By itself transformers writes the frozen model into every checkpoint of stage align, 141 GB at 70B.
"""

from __future__ import annotations

import dataclasses
import types
from pathlib import Path
from typing import Any

import torch
from axolotl.core.trainers.base import AxolotlTrainer
from torch.distributed.fsdp import MixedPrecisionPolicy
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils._pytree import tree_map

from bimedix2_plugin.model.vision_language.registry import is_projector

_OPTIMIZER, _SCHEDULER = "optimizer.pt", "scheduler.pt"  # transformers' names


def load_on_one_rank() -> None:
    """Load the weights on rank 0 only, which sends the other ranks their shards.

    Otherwise transformers fills the memory of every rank with zeros. Axolotl asks for this itself if there is an
    adapter. It must not if the base is trained, whose optimizer state could not be gathered; stage align, like an
    adapter, freezes the base.
    """
    from axolotl.monkeypatch.accelerate.fsdp2 import patch_move_missing_keys_meta_for_fsdp

    patch_move_missing_keys_meta_for_fsdp()


def reduce_in_float32(accelerator: Any) -> None:
    """Let FSDP2 sum the ranks' gradients in float32, and return the loss as it was computed.

    With `bf16: true` accelerate sets all three of FSDP2's types to bf16: gradients are summed in bf16, and the loss,
    which is in float32, is rounded to bf16, above 1 in steps of 0.008. transformers drops
    `fsdp_config.mixed_precision_policy` before accelerate sees it. `output_dtype` is None, not float32, because it
    holds for every wrapped layer, whose output is kept for the backward pass.

    Args:
        accelerator: the trainer's, before it has sharded the model.
    """
    plugin: Any = getattr(accelerator.state, "fsdp_plugin", None)
    policy = getattr(plugin, "mixed_precision_policy", None)
    if plugin and isinstance(policy, MixedPrecisionPolicy):
        plugin.mixed_precision_policy = dataclasses.replace(policy, reduce_dtype=torch.float32, output_dtype=None)


def gather(value: Any) -> Any:
    """Return the full tensor of a shard; all ranks have to call this. Any other value is returned as it is."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def shard_like(value: Any, parameter: torch.Tensor) -> Any:
    """Return this rank's shard of a tensor, sharded like `parameter`; one of another shape is returned as it is."""
    if not isinstance(parameter, DTensor) or not torch.is_tensor(value) or value.shape != parameter.shape:
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def gather_on_save(wrapper: Any) -> None:
    """Let PEFT's wrapper of a fully trained module gather that module's tensors if it is given a state without them.

    When Axolotl saves a finished LoRA under FSDP2, it passes PEFT only the LoRA's tensors. PEFT would then miss the
    module's own, and the run would fail after its last step.
    """
    wrapper.adapter_state_dict = types.MethodType(_adapter_state, wrapper)


def _adapter_state(wrapper: Any, adapter: str, state: dict[str, Any]) -> dict[str, Any]:
    trained = wrapper.modules_to_save[adapter].state_dict()
    saved = {name: f"modules_to_save.{adapter}.{name}" for name in trained}
    return {name: state[saved[name]] if saved[name] in state else gather(value) for name, value in trained.items()}


class FsdpAlignMixin(AxolotlTrainer):
    """Saves and loads full tensors of what stage align trains, as on one GPU; does nothing in other runs."""

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
        state = {name: gather(value.detach()) for name, value in self.model.named_parameters() if is_projector(name)}
        if self.args.should_save:
            self._save(output_dir, state_dict=state)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self._gathers():
            super()._save_optimizer_and_scheduler(output_dir)
            return
        state = tree_map(gather, self.optimizer.state_dict())
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
            state["state"][number] = {name: shard_like(value, parameter) for name, value in values.items()}
        self.optimizer.load_state_dict(state)
        self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / _SCHEDULER, weights_only=True))
