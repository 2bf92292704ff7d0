"""The keys of a recipe that a model card shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What the card shows of a recipe: nothing else of it, since a recipe may also hold keys of services.
HYPERPARAMETERS = (
    "stage",
    "image_aspect",
    "system",
    "chat_template",
    "sequence_len",
    "sample_packing",
    "adapter",
    "load_in_4bit",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
    "peft_use_rslora",
    "micro_batch_size",
    "gradient_accumulation_steps",
    "num_epochs",
    "max_steps",
    "optimizer",
    "learning_rate",
    "lr_scheduler",
    "warmup_ratio",
    "warmup_steps",
    "weight_decay",
    "bf16",
    "seed",
)


def shown(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a card shows of a recipe: the keys that it sets, the projector's among them."""
    bridge = recipe.get("projector") or {}
    return {key: recipe[key] for key in HYPERPARAMETERS if recipe.get(key) is not None} | {
        f"projector.{key}": bridge[key] for key in ("kind", "learning_rate") if bridge.get(key) is not None
    }
