"""What each stage trains: `align` the projector only, `instruct` the LoRA and the projector."""

from __future__ import annotations

import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axolotl.utils.dict import DictDefault
from axolotl.utils.logging import get_logger

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.vision_language.registry import is_projector, is_tower, of_model, projector_name
from bimedix2_plugin.recipe import settings
from bimedix2_plugin.training.fsdp import gather_on_save, shard_like

if TYPE_CHECKING:
    import torch

LOG = get_logger(f"axolotl.{__name__}")  # Axolotl shows information from its own names only


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


def run_tower_without_grad(model: Any) -> None:
    """Run the frozen tower without gradients.

    With an adapter and gradient checkpointing, the input embeddings of every submodel are set to require gradients.
    For the tower these are its patch embeddings: all its layers would be saved, recomputed and differentiated in vain.
    """
    import torch

    for module in of_model(model).frozen_modules(model):
        module.forward = torch.no_grad()(module.forward)


def keep_tower_in(model: Any, dtype: torch.dtype) -> None:
    """Give all of the frozen tower's weights one type.

    With a 4-bit base, PEFT converts everything that is not quantised to float32, and Axolotl the modules with "norm" in
    their name back. The tower would take twice the memory, and a CPU refuses a layer norm of two types.
    """
    for name, parameter in model.named_parameters():
        if is_tower(name):
            parameter.data = parameter.data.to(dtype)


def keep_projector_in_float32(model: Any) -> None:
    """Keep the trained projector, and with it the optimizer's state, in float32; autocast computes in bf16.

    PEFT does so only for a LoRA. At the recipes' learning rates, half of the projector's updates are too small to
    change a bf16 weight. DeepSpeed keeps float32 copies itself, and under ZeRO-3 the weights are not on this rank.
    """
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and is_projector(name) and not hasattr(parameter, "ds_id"):
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


def check_trainable_parameters(model: Any, cfg: DictDefault) -> None:
    """Check that exactly the parameters of the recipe's stage are trainable, and log them.

    Raises:
        RecipeError: a parameter outside the stage is trainable, or one of the stage is not.
    """
    stage = settings(cfg).stage
    trainable = {name: p.numel() for name, p in model.named_parameters() if p.requires_grad}
    lora = {name: size for name, size in trainable.items() if ".lora_" in name}
    trained_projector = {name: size for name, size in trainable.items() if is_projector(name)}
    other = sorted(set(trainable) - set(lora) - set(trained_projector))
    problems = []
    whole = sum(is_projector(name) for name, _ in model.named_parameters())
    if len(trained_projector) != whole:
        problems.append(f"{len(trained_projector)} of the projector's {whole} tensors are trainable")
    if stage == "align" and lora:
        problems.append("a LoRA is trainable in stage align; leave `adapter:` out")
    if stage != "align" and not lora:
        problems.append("no LoRA is trainable in stage instruct; set `adapter: lora` or `qlora`")
    if other or any("language_model" not in name for name in lora):
        outside = other or [name for name in lora if "language_model" not in name]
        problems.append(f"{len(outside)} tensors outside the stage are trainable, first {outside[0]}")
    if problems:
        raise RecipeError([f"stage {stage}: {problem}" for problem in problems])
    LOG.info(
        "stage %s trains: projector %s parameters in %d tensors, LoRA %s in %d; everything else is frozen",
        stage,
        f"{sum(trained_projector.values()):,}",
        whole,
        f"{sum(lora.values()):,}",
        len(lora),
    )
    start = settings(cfg).projector.init_from
    new = "is new: there is no init_from" if cfg.vision_tower else "is the base's own"
    LOG.info("the projector %s", f"starts from stage 1's, in {start}" if start else new)
