"""A trained adapter, read tensor by tensor: W + scale * B A for a LoRA's targets, the projector as it was trained.

Shapes: W [out, in], A [r, in], B [out, r]. scale is alpha / r, or alpha / sqrt(r) for rsLoRA (arXiv 2312.03732).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge.adapter import REMEDY, check_file
from bimedix2_plugin.training.stages import ADAPTER_WEIGHTS, is_projector

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig

_PREFIX = "base_model.model."
_PLAIN_STARTS = (True, False, "gaussian", "orthogonal")  # the others change the base's weights when they begin


@dataclass(frozen=True)
class Adapter:
    """An adapter whose tensors are exactly those that the model expects.

    Attributes:
        file: its weights.
        config: PEFT's configuration.
        targets: names of the modules that have a LoRA.
    """

    file: Path
    config: LoraConfig
    targets: frozenset[str]

    def merged(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the model with the adapter in it; in float32 where the adapter changes it.

        Args:
            name: as the model names it.
            weight: the composed model's own value; it is left as it is.
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


def read_adapter(folder: str | Path, model: Any) -> Adapter:
    """Read an adapter's configuration and compare its file's header with what the model expects.

    Args:
        folder: the adapter's folder.
        model: the LLaVA model, on any device; its weights are not read.

    Raises:
        RecipeError: it is not a plain LoRA with a projector, or a tensor is missing, left over or of another shape.
    """
    from peft import LoraConfig
    from torch.nn import Linear

    check_file(folder)
    config = LoraConfig.from_pretrained(str(folder))
    _refuse_variants(folder, config)
    file = Path(folder) / ADAPTER_WEIGHTS
    targets = {n: m for n, m in model.named_modules() if isinstance(m, Linear) and _is_target(config, n)}
    expected = {name: list(value.shape) for name, value in model.state_dict().items() if is_projector(name)}
    for name, module in targets.items():
        rank = _of_module(config.rank_pattern, name, config.r)
        expected[f"{name}.lora_A.weight"] = [rank, module.in_features]
        expected[f"{name}.lora_B.weight"] = [module.out_features, rank]
    _compare(file, _shapes(file), expected)
    return Adapter(file, config, frozenset(targets))


def _refuse_variants(folder: str | Path, config: LoraConfig) -> None:
    odd = {"use_dora": config.use_dora, "lora_bias": config.lora_bias, "fan_in_fan_out": config.fan_in_fan_out}
    odd["init_lora_weights"] = config.init_lora_weights not in _PLAIN_STARTS
    problems = [f"{folder}/adapter_config.json: {key}: only plain LoRA is merged." for key, set_ in odd.items() if set_]
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


def _compare(file: Path, found: dict[str, list[int]], expected: dict[str, list[int]]) -> None:
    missing, unused = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    other = sorted(name for name in found.keys() & expected.keys() if found[name] != expected[name])
    problems = []
    if missing:
        problems.append(f"{file}: lacks {len(missing)} tensors that the model expects, first {missing[0]}. {REMEDY}.")
    if unused:
        problems.append(f"{file}: {len(unused)} tensors have no place in the model, first {unused[0]}. {REMEDY}.")
    if other:
        name = other[0]
        shapes = f"{name} is {found[name]}, expected {expected[name]}"
        problems.append(f"{file}: {len(other)} tensors have another shape, first {shapes}. {REMEDY}.")
    if problems:
        raise RecipeError(problems)
