"""A trained adapter: checks that it is complete, and the merge of its tensors into the model's.

Merged weight: W + scale * B A for a LoRA's targets; the projector's tensors replace the model's.
Shapes: W [out, in], A [r, in], B [out, r]. scale is alpha / r, or alpha / sqrt(r) for rsLoRA (arXiv 2312.03732).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peft.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors import safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.safetensors_index import tensor_names
from bimedix2_plugin.model.vision_language.registry import is_projector, projector_name

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig

_PREFIX = "base_model.model."
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal")  # the others change the base's weights at initialisation
_REMEDY = "Train again, or name the folder of a finished run with this base and tower"


@dataclass(frozen=True)
class Adapter:
    """An adapter with exactly the tensors that the model expects.

    Attributes:
        file: its weights.
        config: PEFT's configuration.
        targets: names of the modules with a LoRA.
    """

    file: Path
    config: LoraConfig
    targets: frozenset[str]

    def merged(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the model with the adapter merged into it; in float32 if the adapter changes it.

        Args:
            name: in the model.
            weight: the composed model's value; it is not modified.
        """
        import torch

        if is_projector(name):
            return self._tensor(name)
        module = name.removesuffix(".weight")
        if module not in self.targets:
            return weight
        a, b = (self._tensor(f"{module}.lora_{half}.weight").float() for half in "AB")
        return weight.to(torch.float32, copy=True).addmm_(b, a, alpha=self.scale(module))

    def scale(self, module: str) -> float:
        """Return the factor of B A for one module."""
        alpha = _of_module(self.config.alpha_pattern, module, self.config.lora_alpha)
        rank = _of_module(self.config.rank_pattern, module, self.config.r)
        return alpha / (math.sqrt(rank) if self.config.use_rslora else rank)

    def _tensor(self, name: str) -> torch.Tensor:
        with safe_open(self.file, framework="pt") as opened:
            return opened.get_tensor(_PREFIX + name)


def check_file(folder: str | Path, model: Any) -> None:
    """Check an adapter's file by its header, before PEFT loads it: LoRA matrices in pairs, and a complete projector.

    Args:
        folder: the adapter's.
        model: the vision-language model that it was trained on, on any device; its weights are not read.

    Raises:
        RecipeError: the file cannot be read, or a tensor is missing.
    """
    file = Path(folder) / SAFETENSORS_WEIGHTS_NAME
    if not file.is_file():
        raise RecipeError(f"lora_model_dir: {folder} holds no {SAFETENSORS_WEIGHTS_NAME}. {_REMEDY}.")
    names = set(tensor_names(file))
    lora = {name for name in names if ".lora_" in name}
    missing = {_partner(name) for name in lora} - lora
    whole = _projector_names(model.state_dict())
    found = whole & _projector_names(names)
    _refuse(
        file,
        *(["holds no LoRA tensor"] if not lora else []),
        *_counted("{} LoRA tensors are missing", missing),
        *([f"holds {len(found)} of the projector's {len(whole)} tensors"] if found != whole else []),
    )


def check_loaded(model: Any, folder: str | Path) -> None:
    """Compare an adapter's file with the model into which PEFT loaded it, tensor by tensor and value by value.

    Args:
        model: the PEFT model with the adapter.
        folder: the adapter's folder.

    Raises:
        RecipeError: the file lacks a tensor that the model has, or holds one that the model did not take.
    """
    file = Path(folder) / SAFETENSORS_WEIGHTS_NAME
    loaded = {
        _without_adapter_name(name): parameter
        for name, parameter in model.named_parameters()
        if ".lora_" in name or (is_projector(name) and ".modules_to_save." in name)
    }
    unused = []
    with safe_open(file, framework="pt") as saved:
        for name in sorted(saved.keys()):
            parameter = loaded.pop(_without_adapter_name(name), None)
            tensor = saved.get_tensor(name)
            if parameter is None or not tensor.to(parameter.dtype).equal(parameter.detach().cpu()):
                unused.append(name)
    _refuse(
        file,
        *_counted("{} tensors were not loaded into the model", unused),
        *_counted("lacks {} tensors that the model expects", loaded),
    )


def read_adapter(folder: str | Path, model: Any) -> Adapter:
    """Read an adapter's configuration and compare its file's header with what the model expects.

    Args:
        folder: the adapter's folder.
        model: the vision-language model, on any device; its weights are not read.

    Raises:
        RecipeError: it is not a plain LoRA with a projector, or a tensor is missing, left over or of another shape.
    """
    from peft import LoraConfig
    from torch.nn import Linear

    check_file(folder, model)
    config = LoraConfig.from_pretrained(str(folder))
    _refuse_variants(folder, config)
    file = Path(folder) / SAFETENSORS_WEIGHTS_NAME
    targets = {n: m for n, m in model.named_modules() if isinstance(m, Linear) and _is_target(config, n)}
    expected = {name: list(value.shape) for name, value in model.state_dict().items() if is_projector(name)}
    for name, module in targets.items():
        rank = _of_module(config.rank_pattern, name, config.r)
        expected[f"{name}.lora_A.weight"] = [rank, module.in_features]
        expected[f"{name}.lora_B.weight"] = [module.out_features, rank]
    found = _shapes(file)
    other = sorted(name for name in found.keys() & expected.keys() if found[name] != expected[name])
    shapes = f" is {found[other[0]]}, expected {expected[other[0]]}" if other else ""
    _refuse(
        file,
        *_counted("lacks {} tensors that the model expects", expected.keys() - found.keys()),
        *_counted("{} tensors do not exist in the model", found.keys() - expected.keys()),
        *(problem + shapes for problem in _counted("{} tensors have another shape", other)),
    )
    return Adapter(file, config, frozenset(targets))


def _projector_names(names: Iterable[str]) -> set[str]:
    return {projector_name(name) for name in names if is_projector(name)}


def _refuse(file: Path, *problems: str) -> None:
    if problems:
        raise RecipeError([f"{file}: {problem}. {_REMEDY}." for problem in problems])


def _counted(problem: str, names: Collection[str]) -> list[str]:
    """Return a problem with the number of tensors that have it and the first of their names, or nothing."""
    return [f"{problem.format(len(names))}, first {min(names)}"] if names else []


def _partner(name: str) -> str:
    """Return the name of the other matrix of a LoRA pair."""
    if ".lora_A." in name:
        return name.replace(".lora_A.", ".lora_B.")
    return name.replace(".lora_B.", ".lora_A.")


def _without_adapter_name(name: str) -> str:
    """Map PEFT's names in a model and in a file to the same name."""
    return name.replace(".modules_to_save.default.", ".").replace(".default.", ".")


def _refuse_variants(folder: str | Path, config: LoraConfig) -> None:
    odd = {"use_dora": config.use_dora, "lora_bias": config.lora_bias, "fan_in_fan_out": config.fan_in_fan_out}
    odd["init_lora_weights"] = config.init_lora_weights not in _PLAIN_STARTS
    problems = [f"{folder}/adapter_config.json: {key}: only plain LoRA can be merged." for key, on in odd.items() if on]
    if problems:
        raise RecipeError(problems)


def _is_target(config: LoraConfig, module: str) -> bool:
    from peft.tuners.tuners_utils import check_target_module_exists

    return bool(check_target_module_exists(config, module))


def _of_module(pattern: dict[str, Any] | None, module: str, default: Any) -> Any:
    from peft.utils.other import get_pattern_key

    return (pattern or {}).get(get_pattern_key(list(pattern or {}), module), default)


def _shapes(file: Path) -> dict[str, list[int]]:
    with safe_open(file, framework="pt") as opened:
        return {name.removeprefix(_PREFIX): list(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
