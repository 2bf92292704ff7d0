"""Count parameters by part, on transformers' own model on the meta device, without any weights."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.model.vision_language.descriptor import VisionLanguageModel
from bimedix2_plugin.model.vision_language.registry import BY_TYPE, is_projector, is_tower

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

LANGUAGE, EMBEDDINGS, HEAD, TOWER, PROJECTOR, LORA = (
    "language model layers",
    "embeddings",
    "output head",
    "vision tower",
    "projector",
    "LoRA",
)


@dataclass(frozen=True)
class Linear:
    """A linear layer, or another matrix of the projector.

    Attributes:
        part: LANGUAGE, HEAD, TOWER or PROJECTOR.
        name: of the module in transformers' model; of the parameter in the projector.
        outputs, inputs: rows and columns of its weight.
        rank: of its LoRA; 0 without one.
    """

    part: str
    name: str
    outputs: int
    inputs: int
    rank: int = 0

    @property
    def weights(self) -> int:
        """Elements of the weight."""
        return self.outputs * self.inputs

    @property
    def lora(self) -> int:
        """Parameters of its LoRA: A [rank, inputs] and B [outputs, rank] (arXiv 2106.09685, section 4.1)."""
        return self.rank * (self.outputs + self.inputs)


@dataclass(frozen=True)
class Parameters:
    """A vision-language model's parameters.

    Attributes:
        config: its configuration.
        parts: parameters by part, the LoRA included if the recipe has one.
        trainable: names of the parts that the stage trains.
        linears: every linear layer.
        patch_embedding: elements of the tower's convolution over patches.
        normed: whether the projector normalises the tower's features first, with a trained weight.
    """

    config: Any
    parts: dict[str, int]
    trainable: tuple[str, ...]
    linears: list[Linear] = field(repr=False)
    patch_embedding: int
    normed: bool

    @property
    def text(self) -> Any:
        """The language model's configuration."""
        return self.config.text_config

    @property
    def vision(self) -> Any:
        """The tower's configuration."""
        return self.config.vision_config

    @property
    def kind(self) -> type[VisionLanguageModel]:
        """The model's descriptor."""
        return BY_TYPE[self.config.model_type]

    @property
    def trained(self) -> int:
        """Trainable parameters."""
        return sum(self.parts[part] for part in self.trainable)

    @property
    def frozen(self) -> int:
        """Frozen parameters."""
        return sum(self.parts.values()) - self.trained

    def weights(self, part: str) -> int:
        """Elements of a part's linear weights."""
        return sum(layer.weights for layer in self.linears if layer.part == part)

    @property
    def decoder_layer(self) -> int:
        """Parameters of one layer of the language model, without its LoRA."""
        return self.parts[LANGUAGE] // int(self.text.num_hidden_layers)


def count(config: Any, cfg: DictDefault) -> Parameters:
    """Count a recipe's parameters.

    Args:
        config: of the vision-language model.
        cfg: the recipe; `adapter`, `lora_r` and `lora_target_modules` are read.
    """
    model = meta_model(config)
    parts: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        parts[_part(name)] += parameter.numel()
    rank = int(cfg.lora_r or 8) if cfg.adapter else 0
    targets = lora_targets(cfg, config)
    linears = [
        Linear(_part(name), name, module.out_features, module.in_features, rank if _targeted(name, targets) else 0)
        for name, module in model.named_modules()
        if hasattr(module, "out_features") and not is_projector(f"{name}.")
    ]
    projector = {name: parameter for name, parameter in model.named_parameters() if is_projector(name)}
    linears += [Linear(PROJECTOR, name, *value.shape) for name, value in projector.items() if value.dim() == 2]
    patches = sum(value.numel() for name, value in model.named_parameters() if is_tower(name) and value.dim() > 3)
    normed = any(name.endswith(".weight") and value.dim() == 1 for name, value in projector.items())
    order = [part for part in (LANGUAGE, EMBEDDINGS, HEAD, TOWER, PROJECTOR) if parts[part]]
    counted = {part: parts[part] for part in order}
    if rank:
        counted[LORA] = sum(layer.lora for layer in linears)
    return Parameters(config, counted, (PROJECTOR, LORA) if rank else (PROJECTOR,), linears, patches, normed)


def meta_model(config: Any) -> Any:
    """Build the configuration's own vision-language class on the meta device."""
    import torch
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def lora_targets(cfg: DictDefault, config: Any) -> str | list[str]:
    """Return the recipe's LoRA targets, in PEFT's form."""
    return cfg.lora_target_modules or BY_TYPE[config.model_type].LORA_TARGETS


def _targeted(name: str, targets: str | list[str]) -> bool:
    """Whether PEFT adds a LoRA to a module: by a pattern for the full name, or a list of last name parts."""
    if isinstance(targets, str):
        return bool(re.fullmatch(targets, name))
    return any(name == target or name.endswith(f".{target}") for target in targets)


def _part(name: str) -> str:
    if is_projector(name):
        return PROJECTOR
    if is_tower(name):
        return TOWER
    if name.startswith("lm_head"):
        return HEAD
    return EMBEDDINGS if "embed_tokens" in name else LANGUAGE
