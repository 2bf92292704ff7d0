"""What each stage trains: the projector, and a LoRA of the language model or all of it, and a LoRA of the tower.

Which of them a parameter is of follows from its name; the optimizer has groups for each.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axolotl.utils.dict import DictDefault
from axolotl.utils.logging import get_logger
from safetensors import safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.safetensors_index import read_shards
from bimedix2_plugin.model.vision_language.registry import is_projector, is_tower, projector_name
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    import torch

LOG = get_logger(f"axolotl.{__name__}")  # Axolotl shows information from its own names only
LORA, PROJECTOR, VISION_LORA, LANGUAGE_MODEL = "lora", "projector", "vision_lora", "language_model"
TOWER = "tower"
_NAMES = {
    PROJECTOR: "projector",
    LORA: "LoRA",
    VISION_LORA: "LoRA of the tower",
    LANGUAGE_MODEL: "language model",
    TOWER: "tower",
}


def role(name: str) -> str:
    """Return a parameter's role by its name in the model, wrapped by PEFT or not."""
    if is_projector(name):
        return PROJECTOR
    if ".lora_" in name:
        return VISION_LORA if is_tower(name) else LORA
    return TOWER if is_tower(name) else LANGUAGE_MODEL


def trained_roles(cfg: DictDefault) -> set[str]:
    """Return the roles that a recipe trains."""
    if settings(cfg).stage == "align":
        return {PROJECTOR}
    if not cfg.adapter:
        return {PROJECTOR, LANGUAGE_MODEL}
    return {PROJECTOR, LORA, VISION_LORA} if cfg.vision_lora else {PROJECTOR, LORA}


def learning_rates(cfg: DictDefault) -> dict[str, float]:
    """Return the learning rates that the recipe states for single roles; the others have `learning_rate`."""
    keys = settings(cfg)
    vision = keys.vision_lora.learning_rate if keys.vision_lora else None
    rates = {PROJECTOR: keys.projector.learning_rate, VISION_LORA: vision}
    return {part: rate for part, rate in rates.items() if rate is not None}


def check_trainable_parameters(model: Any, cfg: DictDefault) -> None:
    """Check that exactly the parameters of the recipe's stage are trainable, by name, shape and type; log them.

    Args:
        model: as it is trained, before it is sharded.
        cfg: the recipe, with the composed folder as `base_model`.

    Raises:
        RecipeError: a parameter outside the stage is trainable, one of the stage is not, or one is not as it should be.
    """
    found: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            found[role(name)][name] = parameter
    wanted = trained_roles(cfg)
    problems = [
        f"{len(found[other])} tensors outside the stage are trainable, first {min(found[other])}"
        for other in sorted(found.keys() - wanted)
    ]
    problems += [f"no {_NAMES[part]} is trainable" for part in sorted(wanted - found.keys())]
    problems += _partly(model, found, wanted)
    problems += _other_shapes(found, cfg)
    problems += _other_types(found)
    if problems:
        raise RecipeError([f"stage {settings(cfg).stage}: {problem}" for problem in problems])
    _log(found, cfg)


def _partly(model: Any, found: dict[str, dict[str, torch.Tensor]], wanted: set[str]) -> list[str]:
    """List the parts that are trained whole and of which a tensor is frozen, and LoRA layers outside of their parts."""
    problems = []
    for part in sorted(wanted & {PROJECTOR, LANGUAGE_MODEL}):
        whole = sum(role(name) == part for name, _ in model.named_parameters())
        if len(found[part]) != whole:
            problems.append(f"{len(found[part])} of the {_NAMES[part]}'s {whole} tensors are trainable")
    outside = [name for name in found[LORA] if "language_model" not in name]
    if outside:
        problems.append(f"{len(outside)} tensors outside the stage are trainable, first {min(outside)}")
    return problems


def _other_shapes(found: dict[str, dict[str, torch.Tensor]], cfg: DictDefault) -> list[str]:
    """List what has not the base's shape or the recipe's rank; a projector loaded in 4 bits would have another."""
    stored = _projector_shapes(Path(cfg.base_model))
    other = [name for name, tensor in found[PROJECTOR].items() if _shape(tensor) != stored[projector_name(name)]]
    problems = [f"{other[0]} is {_shape(found[PROJECTOR][other[0]])}, not as the base's files hold it"] if other else []
    patterns = len(cfg.lora_rank_pattern or {}) - bool(cfg.vision_lora)  # without the tower's own
    ranks = {VISION_LORA: (cfg.vision_lora or {}).get("r"), LORA: None if patterns else cfg.lora_r}
    for part, rank in ranks.items():
        if rank is None:
            continue
        ours = {name: _shape(tensor)[1 if ".lora_B." in name else 0] for name, tensor in found[part].items()}
        other = [name for name, value in ours.items() if value != rank]
        if other:
            problems.append(f"{other[0]} is of rank {ours[other[0]]}, the recipe says {rank}")
    return problems


def _other_types(found: dict[str, dict[str, torch.Tensor]]) -> list[str]:
    """List what trains in another type than float32, which only DeepSpeed may: it keeps float32 copies itself."""
    other = [
        (name, str(tensor.dtype))
        for tensors in found.values()
        for name, tensor in tensors.items()
        if tensor.dtype.itemsize != 4 and not hasattr(tensor, "ds_id")
    ]
    return [f"{len(other)} tensors would train in {other[0][1]}, first {other[0][0]}"] if other else []


def _projector_shapes(folder: Path) -> dict[str, list[int]]:
    """Return the shapes of the projector's tensors in a composed folder's files, by the names in the model."""
    shards = read_shards("base_model", folder)
    shapes = {}
    for file in shards.files:
        with safe_open(folder / file, framework="pt") as opened:
            for name in (name for name, place in shards.weight_map.items() if place == file and is_projector(name)):
                shapes[projector_name(name)] = list(opened.get_slice(name).get_shape())
    return shapes


def _shape(tensor: torch.Tensor) -> list[int]:
    return list(getattr(tensor, "ds_shape", tensor.shape))


def _log(found: dict[str, dict[str, torch.Tensor]], cfg: DictDefault) -> None:
    parts = [
        f"{_NAMES[part]} {sum(tensor.numel() for tensor in found[part].values()):,} parameters in {len(found[part])} "
        "tensors"
        for part in _NAMES
        if found[part]
    ]
    LOG.info("stage %s trains: %s; everything else is frozen", settings(cfg).stage, ", ".join(parts))
    start = settings(cfg).projector.init_from
    new = "is new: there is no init_from" if cfg.vision_tower else "is the base's own"
    LOG.info("the projector %s", f"starts from stage 1's, in {start}" if start else new)
