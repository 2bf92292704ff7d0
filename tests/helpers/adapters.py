"""A random, untrained adapter for a composed model, and its merge without Axolotl's command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from axolotl.utils.dict import DictDefault
from transformers import AutoProcessor, LlavaForConditionalGeneration

from bimedix2_plugin.merge import axolotl_merge
from bimedix2_plugin.model.compose import compose, load, mapping
from bimedix2_plugin.model.families import LORA_TARGETS
from bimedix2_plugin.model.projector import PROJECTOR
from bimedix2_plugin.model.request import Request


def composed(base: Path, tower: Path) -> Path:
    """Compose two folders beside the base."""
    return compose(Request(base=str(base), tower=str(tower), root=base.parent / "composed"))


def with_adapter(folder: Path, out: Path, **changes: Any):
    """Save a random LoRA with a random projector to `out`; return the model that has them, in float32."""
    from peft import LoraConfig, get_peft_model

    settings = {"r": 4, "lora_alpha": 8, "target_modules": LORA_TARGETS, "modules_to_save": [PROJECTOR]}
    base = load(folder, dtype=torch.float32, attn_implementation="eager")
    model = get_peft_model(base, LoraConfig(**settings | changes)).eval()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if ".lora_" in name or ".modules_to_save." in name:
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(out)
    return model


def merge(folder: Path, adapter: Path, out: Path) -> Path:
    """Merge like Axolotl's `legacy` method: load, merge, save, tokenizer and processor, then the plugin's hook."""
    cfg = DictDefault(base_model=str(folder), lora_model_dir=str(adapter))
    bare = LlavaForConditionalGeneration.from_pretrained(folder, key_mapping=mapping(folder), device_map="meta")
    axolotl_merge.attach(bare, cfg).merge_and_unload(progressbar=True).save_pretrained(str(out), progressbar=True)
    AutoProcessor.from_pretrained(folder).save_pretrained(out)
    axolotl_merge.finish(folder, out)
    return out


def question(model: Any) -> dict[str, torch.Tensor]:
    """Return token ids with the placeholders of one image, and a random image."""
    config = model.config
    side = config.vision_config.image_size
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 200, (1, 24), generator=generator)
    ids[ids == config.image_token_id] = 5
    ids[0, 3 : 3 + config.image_seq_length] = config.image_token_id
    return {"input_ids": ids, "pixel_values": torch.randn(1, 3, side, side, generator=generator)}
