"""Tensors that FSDP2 shares out over the ranks: gathered whole where they are saved, shared out where they are read."""

from __future__ import annotations

import types
from typing import Any

import torch
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(value: Any) -> Any:
    """Return a tensor of which this rank may hold a part; every rank has to ask. Anything else is returned as it is."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def part_of(value: Any, parameter: torch.Tensor) -> Any:
    """Return this rank's part of a value that is shared out like `parameter`; what has another shape is left whole."""
    if not isinstance(parameter, DTensor) or not torch.is_tensor(value) or value.shape != parameter.shape:
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def give_whole(wrapper: Any) -> None:
    """Let a module that PEFT trains and saves whole gather its tensors where it is asked for a state without them.

    Axolotl's save of a finished LoRA under FSDP2 hands PEFT the LoRA's tensors alone, and PEFT would look in vain for
    the module's: the run would fail after its last step.
    """
    wrapper.adapter_state_dict = types.MethodType(_adapter_state, wrapper)


def _adapter_state(wrapper: Any, adapter: str, state: dict[str, Any]) -> dict[str, Any]:
    trained = wrapper.modules_to_save[adapter].state_dict()
    saved = {name: f"modules_to_save.{adapter}.{name}" for name in trained}
    return {name: state[saved[name]] if saved[name] in state else whole(value) for name, value in trained.items()}
