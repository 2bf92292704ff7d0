"""Count parameters by part, on transformers' own model on the meta device, without any weights."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.model import projector
from bimedix2_plugin.model.families import LORA_TARGETS

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault
    from transformers import LlavaConfig

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
    """A linear layer.

    Attributes:
        part: LANGUAGE, HEAD, TOWER or PROJECTOR.
        name: in `LlavaForConditionalGeneration`.
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
    """A composed model's parameters.

    Attributes:
        config: its LLaVA configuration.
        parts: parameters by part, the LoRA included if the recipe has one.
        trainable: names of the parts that the stage trains.
        linears: every linear layer.
    """

    config: Any
    parts: dict[str, int]
    trainable: tuple[str, ...]
    linears: list[Linear] = field(repr=False)

    @property
    def text(self) -> Any:
        """The language model's configuration."""
        return self.config.text_config

    @property
    def vision(self) -> Any:
        """The tower's configuration."""
        return self.config.vision_config

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


def count(config: LlavaConfig, cfg: DictDefault) -> Parameters:
    """Count a recipe's parameters.

    Args:
        config: of the composed model.
        cfg: the recipe; `adapter`, `lora_r` and `lora_target_modules` are read.
    """
    model = meta_model(config)
    parts: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        parts[_part(name)] += parameter.numel()
    rank = int(cfg.lora_r or 8) if cfg.adapter else 0
    linears = [
        Linear(_part(name), name, module.out_features, module.in_features, rank if _targeted(name, cfg) else 0)
        for name, module in model.named_modules()
        if hasattr(module, "out_features")
    ]
    order = [part for part in (LANGUAGE, EMBEDDINGS, HEAD, TOWER, PROJECTOR) if parts[part]]
    counted = {part: parts[part] for part in order}
    if rank:
        counted[LORA] = sum(layer.lora for layer in linears)
    return Parameters(config, counted, (PROJECTOR, LORA) if rank else (PROJECTOR,), linears)


def meta_model(config: LlavaConfig) -> Any:
    """Build `LlavaForConditionalGeneration` on the meta device."""
    import torch
    from transformers import LlavaForConditionalGeneration

    with torch.device("meta"):
        return LlavaForConditionalGeneration(config)


def lora_targets(cfg: DictDefault) -> str | list[str]:
    """Return the recipe's LoRA targets, in PEFT's form."""
    return cfg.lora_target_modules or LORA_TARGETS


def _targeted(name: str, cfg: DictDefault) -> bool:
    """Whether PEFT adds a LoRA to a module: by a pattern for the full name, or a list of last name parts."""
    targets = lora_targets(cfg)
    if isinstance(targets, str):
        return bool(re.fullmatch(targets, name))
    return any(name == target or name.endswith(f".{target}") for target in targets)


def _part(name: str) -> str:
    if projector.PREFIX in name:
        return PROJECTOR
    if "vision_tower." in name:
        return TOWER
    if name.startswith("lm_head"):
        return HEAD
    return EMBEDDINGS if "embed_tokens" in name else LANGUAGE
