"""Schema of the plugin's own keys in a recipe; every default is stated here only."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ProjectorArgs(BaseModel):
    """`projector:` in a recipe."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["mlp2x_gelu"] = Field(
        default="mlp2x_gelu", description="Linear, GELU, Linear, with biases: LLaVA-1.5's projector."
    )
    init_from: str | None = Field(
        default=None, description="Output folder of a stage `align` run; absent: a newly initialised projector."
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="Of the projector's weights and biases; absent: the recipe's learning_rate."
    )


class VisionLoraArgs(BaseModel):
    """`vision_lora:` in a recipe."""

    model_config = ConfigDict(extra="forbid")

    r: int = Field(gt=0, description="Rank.")
    alpha: int = Field(gt=0, description="Scale: the LoRA is multiplied by alpha / r.")
    learning_rate: float | None = Field(default=None, gt=0, description="Absent: the recipe's learning_rate.")


class BiMediX2Args(BaseModel):
    """The plugin's keys; all other keys of a recipe are Axolotl's."""

    vision_tower: str | None = Field(default=None, description="Hub id or local folder of a vision model.")
    vision_tower_revision: str | None = Field(default=None, description="Commit or branch of the tower on the Hub.")
    vision_feature_layer: int = Field(default=-2, description="Hidden state of the tower that the projector reads.")
    projector: ProjectorArgs = Field(default_factory=ProjectorArgs)
    image_aspect: Literal["pad", "square"] = Field(
        default="pad", description="pad to a square with the tower's mean colour, or resize and crop the centre."
    )
    stage: Literal["align", "instruct"] = Field(
        default="instruct",
        description="align trains the projector only; instruct the projector and a LoRA or, without `adapter`, the "
        "whole language model.",
    )
    vision_lora: VisionLoraArgs | None = Field(
        default=None,
        description="A LoRA in the linear layers of the tower that the projector's input depends on; absent: the tower "
        "is frozen. Its dropout is lora_dropout.",
    )
    system: str | None = Field(default=None, description="System text of every conversation without one of its own.")
    composed_path: str = Field(default="outputs/composed", description="Folder of the composed models.")
    document_attention: bool = Field(
        default=True, description="On a CPU, compute attention for each document of a pack instead of one dense mask."
    )
    loss_spike: float | None = Field(
        default=3.0,
        gt=0,
        description="Abort before a step whose loss is more than this (nats per token) above the median of the last "
        "100 steps, from the 21st step after a start on, and list its rows; null: continue. For a step of n labelled "
        "tokens (over all ranks) below 1300 it is multiplied by sqrt(1300 / n): a mean of few tokens varies. Loss is a "
        "logarithm: 3 is twenty times the perplexity, whereas a multiple of the loss would stop every run whose loss "
        "approaches 0. A NaN or infinite loss or gradient norm always aborts. DeepSpeed takes the "
        "step before the check.",
    )
