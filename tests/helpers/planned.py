"""Tiny LLaVA models and packs, to compare measured operations and memory with the plan's."""

from __future__ import annotations

from typing import Any

import torch
from axolotl.utils.dict import DictDefault
from peft import LoraConfig, get_peft_model
from torch.distributed._tools.mem_tracker import MemTracker
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from bimedix2_plugin.model.families import LORA_TARGETS
from bimedix2_plugin.model.projector import PROJECTOR
from bimedix2_plugin.model.vision_language.descriptor import Encoded
from bimedix2_plugin.plan.flops import Load
from bimedix2_plugin.training.stages import freeze_for_align, keep_trained_in_float32, run_tower_without_grad

VOCABULARY, IMAGE_TOKENS = 1000, 16
DOCUMENTS, IMAGES, LABELS = (200, 150, 162), 2, 100


def encoded(images: int, tokens: int, layers: int = 3, side: int = 56) -> Encoded:
    """Return the sizes of images in a CLIP of some layers, of `tokens` features each."""
    one = (1, tokens, tokens + 1, layers * (tokens + 1) ** 2, 3 * side**2)
    return Encoded(*(float(images * size) for size in one))


LOAD = Load(sum(DOCUMENTS), LABELS, encoded(IMAGES, IMAGE_TOKENS), float(sum(length**2 for length in DOCUMENTS)))
LORA = {"adapter": "lora", "lora_r": 8, "lora_dropout": 0.0, "attn_implementation": "eager"}
ALIGN = {"stage": "align", "attn_implementation": "eager"}


def recipe(**keys: Any) -> DictDefault:
    """Return the recipe keys that a plan reads."""
    return DictDefault(keys)


def config() -> LlavaConfig:
    """Return a model large enough that constants do not dominate, and small enough to run in seconds."""
    text = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=576,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
    )
    vision = CLIPVisionConfig(
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=56,
        patch_size=14,
    )
    return LlavaConfig(
        text_config=text.to_dict(),
        vision_config=vision.to_dict(),
        image_seq_length=IMAGE_TOKENS,
        image_token_index=VOCABULARY - 1,
    )


def model(cfg: DictDefault) -> Any:
    """Build a recipe's model, as Axolotl's loader and the plugin do."""
    built = LlavaForConditionalGeneration._from_config(
        config(),
        attn_implementation=cfg.attn_implementation,
        dtype=torch.bfloat16 if cfg.bf16 else torch.float32,
    )
    run_tower_without_grad(built)
    if cfg.gradient_checkpointing:
        built.gradient_checkpointing_enable({"use_reentrant": False})
    if cfg.adapter:
        built.enable_input_require_grads()
        lora = LoraConfig(
            r=cfg.lora_r, lora_dropout=cfg.lora_dropout, target_modules=LORA_TARGETS, modules_to_save=[PROJECTOR]
        )
        built = get_peft_model(built, lora)
    else:
        freeze_for_align(built, cfg)
    keep_trained_in_float32(built)
    return built.train()


def pack() -> dict[str, torch.Tensor]:
    """Return a pack like the collator's."""
    ids = torch.randint(0, VOCABULARY - 2, (1, sum(DOCUMENTS)))
    ids[0, : IMAGES * IMAGE_TOKENS] = VOCABULARY - 1
    places = torch.arange(sum(DOCUMENTS) - LABELS - 1, sum(DOCUMENTS) - 1)
    return {
        "input_ids": ids,
        "labels": ids,
        "position_ids": torch.cat([torch.arange(length) for length in DOCUMENTS])[None],
        "logits_to_keep": places,
        "shift_labels": ids[:, places + 1],
        "pixel_values": torch.randn(IMAGES, 3, 56, 56),
    }


def step(built: Any, cfg: DictDefault, batch: dict[str, torch.Tensor]) -> None:
    """Run one forward and backward pass."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(cfg.bf16)):
        loss = built(**batch, use_cache=False).loss
    loss.backward()


class Tracker(MemTracker):
    """torch's memory tracker without its hooks on gradients, which frozen parameters never get."""

    def _track_module_params_and_buffers(self, module, install_grad_hooks=True):
        return super()._track_module_params_and_buffers(module, install_grad_hooks=False)


def peak(built: Any, cfg: DictDefault, batch: dict[str, torch.Tensor]) -> int:
    """Return the peak bytes of a later batch of a step, when optimizer state and gradients exist."""
    optimizer = torch.optim.AdamW([parameter for parameter in built.parameters() if parameter.requires_grad])
    step(built, cfg, batch)
    optimizer.step()
    tracker = Tracker()
    tracker.track_external(built, optimizer)
    with tracker:
        step(built, cfg, batch)
    return tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]
