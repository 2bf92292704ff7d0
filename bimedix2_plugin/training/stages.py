"""Prepare a model for its stage: freeze, run the frozen tower without gradients, keep what trains in float32."""

from __future__ import annotations

import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axolotl.utils.dict import DictDefault

from bimedix2_plugin.model import projector
from bimedix2_plugin.model.vision_language.registry import is_projector, is_tower, of_model, projector_name
from bimedix2_plugin.recipe import settings
from bimedix2_plugin.training.fsdp import gather_on_save, shard_like

if TYPE_CHECKING:
    import torch


def freeze_for_align(model: Any, cfg: DictDefault) -> None:
    """Make only the projector trainable, and make `save_pretrained` save only the projector.

    Args:
        model: the vision-language model.
        cfg: the recipe.
    """
    description = projector.describe(model, settings(cfg).projector.kind if cfg.vision_tower else None)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_projector(name))

    def save_projector(
        model: Any, save_directory: str | Path, *_: Any, state_dict: dict[str, Any] | None = None, **__: Any
    ) -> None:
        state = state_dict if state_dict is not None else model.state_dict()
        weights = {projector_name(name): value for name, value in state.items() if is_projector(name)}
        projector.save(Path(save_directory), description, weights)
        model.config.save_pretrained(save_directory)

    # A checkpoint of the frozen model would take 141 GB at 70B, each time.
    model.save_pretrained = types.MethodType(save_projector, model)


def freeze_tower(model: Any) -> None:
    """Make the language model and the projector trainable, whole, and the tower not."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not is_tower(name))


def run_tower_without_grad(model: Any) -> None:
    """Run the frozen tower without gradients.

    With an adapter and gradient checkpointing, the input embeddings of every submodel are set to require gradients.
    For the tower these are its patch embeddings: all its layers would be saved, recomputed and differentiated in vain.
    """
    import torch

    for module in of_model(model).frozen_modules(model):
        module.forward = torch.no_grad()(module.forward)


def keep_tower_in(model: Any, dtype: torch.dtype) -> None:
    """Give all of the tower's frozen weights one type.

    With a 4-bit base, PEFT converts everything that is not quantised to float32, and Axolotl the modules with "norm" in
    their name back. The tower would take twice the memory, and a CPU refuses a layer norm of two types.
    """
    for name, parameter in model.named_parameters():
        if is_tower(name) and not parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)


def keep_trained_in_float32(model: Any) -> None:
    """Keep what trains, and with it the optimizer's state, in float32; autocast computes in bf16.

    PEFT does so only for a LoRA. At the recipes' learning rates, half of the projector's updates are too small to
    change a bf16 weight. DeepSpeed keeps float32 copies itself, and under ZeRO-3 the weights are not on this rank.
    """
    for parameter in model.parameters():
        if parameter.requires_grad and not hasattr(parameter, "ds_id"):
            parameter.data = parameter.data.float()


def gather_projector_on_save(model: Any) -> None:
    """Let PEFT save the full trained projector, also if FSDP2 has sharded it over the ranks."""
    for name, module in model.named_modules():
        if is_projector(f"{name}.") and hasattr(module, "modules_to_save"):
            gather_on_save(module)


def load_projector(model: Any, folder: str | Path) -> None:
    """Load a saved projector's weights into a vision-language model."""
    weights = projector.load(Path(folder))
    for name, parameter in model.named_parameters():
        if is_projector(name):
            parameter.data.copy_(shard_like(weights[projector_name(name)], parameter))
