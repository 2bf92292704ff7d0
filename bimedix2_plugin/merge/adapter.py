"""An adapter on its way into a model or a merged checkpoint: it is whole and every tensor is used, or it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.safetensors_index import tensor_names
from bimedix2_plugin.training.stages import ADAPTER_WEIGHTS as WEIGHTS
from bimedix2_plugin.training.stages import is_projector

_PROJECTOR_ENDS = tuple(f".linear_{number}.{part}" for number in (1, 2) for part in ("weight", "bias"))
REMEDY = "Train again, or name the folder of a finished run with this base and tower"


def check_file(folder: str | Path) -> None:
    """Check an adapter's file by its header, before PEFT reads it: LoRA matrices in pairs, a whole projector.

    Raises:
        RecipeError: it cannot be read, or something is missing.
    """
    file = Path(folder) / WEIGHTS
    if not file.is_file():
        raise RecipeError(f"lora_model_dir: {folder} holds no {WEIGHTS}. {REMEDY}.")
    names = set(tensor_names(file))
    lora = {name for name in names if ".lora_" in name}
    missing = {_partner(name) for name in lora} - lora
    bridge = {name for name in names if name.endswith(_PROJECTOR_ENDS)}
    problems = []
    if not lora:
        problems.append(f"{file}: holds no LoRA tensor. {REMEDY}.")
    if missing:
        problems.append(f"{file}: {len(missing)} LoRA tensors are missing, first {min(missing)}. {REMEDY}.")
    if len(bridge) != len(_PROJECTOR_ENDS):
        problems.append(f"{file}: {len(bridge)} of the projector's {len(_PROJECTOR_ENDS)} tensors are there. {REMEDY}.")
    if problems:
        raise RecipeError(problems)


def _partner(name: str) -> str:
    """Name the other matrix of a LoRA pair."""
    if ".lora_A." in name:
        return name.replace(".lora_A.", ".lora_B.")
    return name.replace(".lora_B.", ".lora_A.")


def check_used(model: Any, folder: str | Path) -> None:
    """Compare an adapter's file with what is now in the model, tensor by tensor and value by value.

    Args:
        model: the PEFT model with the adapter loaded.
        folder: the adapter's folder.

    Raises:
        RecipeError: the file lacks a tensor that the model has, or holds one that did not arrive.
    """
    file = Path(folder) / WEIGHTS
    loaded = {
        _plain(name): parameter
        for name, parameter in model.named_parameters()
        if ".lora_" in name or (is_projector(name) and ".modules_to_save." in name)
    }
    unused = []
    with safe_open(file, framework="pt") as saved:
        for name in sorted(saved.keys()):
            parameter = loaded.pop(_plain(name), None)
            tensor = saved.get_tensor(name)
            if parameter is None or not tensor.to(parameter.dtype).equal(parameter.detach().cpu()):
                unused.append(name)
    problems = []
    if unused:
        problems.append(f"{file}: {len(unused)} tensors did not reach the model, first {unused[0]}. {REMEDY}.")
    if loaded:
        problems.append(f"{file}: lacks {len(loaded)} tensors that the model expects, first {min(loaded)}. {REMEDY}.")
    if problems:
        raise RecipeError(problems)


def _plain(name: str) -> str:
    """Reduce PEFT's names in a model and in a file to one form."""
    return name.replace(".modules_to_save.default.", ".").replace(".default.", ".")
