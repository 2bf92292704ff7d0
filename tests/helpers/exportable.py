"""Tiny checkpoints that llama.cpp's converter knows: random models with SmolLM2's tokenizer, composed and merged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SiglipVisionConfig,
)

from bimedix2_plugin.export.checkpoint import Checkpoint
from bimedix2_plugin.export.probes import synthetic_images
from bimedix2_plugin.merge.axolotl_merge import write_start
from bimedix2_plugin.model.families import CLIP_MEAN, CLIP_STD
from bimedix2_plugin.quickstart_parts import SMOLLM2, _smollm2_tokenizer
from bimedix2_plugin.rehearse import tiny

CONVERTER = Path(__file__).parents[2] / ".tools/llama.cpp"
_FAMILIES: dict[str, tuple[Any, Any]] = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}
_TOWERS = {"clip": tiny.clip_vision, "siglip": tiny.siglip_vision}


def needs_converter() -> None:
    """Skip a test where `make setup-export` was not run and $LLAMA_CPP_DIR is not set."""
    if "LLAMA_CPP_DIR" not in os.environ and not CONVERTER.is_dir():
        pytest.skip("no llama.cpp converter: make setup-export")


def converter() -> Path:
    """Return the converter's folder; skip a test where there is none."""
    needs_converter()
    return CONVERTER if CONVERTER.is_dir() else Path(os.environ["LLAMA_CPP_DIR"]).resolve()


def text_model(folder: Path, family: str = "llama") -> Path:
    """Save a language model of 2 layers."""
    words = _smollm2_tokenizer(SMOLLM2.locate()[0])
    words.save_pretrained(folder)
    configuration, model = _FAMILIES[family]
    config = configuration(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    tiny.random_model(model, config).save_pretrained(folder)
    return folder


def merged(root: Path, family: str = "llama", tower: str = "siglip", aspect: str = "pad") -> Path:
    """Save a LLaVA checkpoint as merging writes it."""
    text_model(root / "base", family)
    _TOWERS[tower](root / "tower")
    recipe = root / "recipe.yml"
    recipe.write_text(
        f"base_model: {root / 'base'}\nvision_tower: {root / 'tower'}\nchat_template: tokenizer_default\n"
        f"plugins: [bimedix2_plugin.BiMediX2Plugin]\nstage: align\nimage_aspect: {aspect}\n"
        f"composed_path: {root / 'composed'}\nsystem: You read medical images.\n"
    )
    return write_start(recipe, root / "merged")


_VISIONS = {"clip": (CLIPVisionConfig, "default"), "siglip": (SiglipVisionConfig, "full")}
_SIZES = {"hidden_size": 96, "intermediate_size": 192, "num_attention_heads": 4, "num_hidden_layers": 4}
_SMOLLM2 = {
    "model_type": "llama",
    "vocab_size": 100,
    "hidden_size": 576,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
}


class Llava:
    """A LLaVA with random weights, of the width of SmolLM2, and what it sees in an image."""

    def __init__(self, folder, tower, *, scale=1.0, side=56, **changes):
        kind, strategy = _VISIONS[tower]
        sizes = _SIZES | {"image_size": side, "patch_size": 14, **changes.pop("vision", {})}
        given = {"vision_feature_select_strategy": strategy, "image_token_index": 99} | changes
        config = LlavaConfig(text_config=_SMOLLM2, vision_config=kind(**sizes), **given)
        model = tiny.random_model(LlavaForConditionalGeneration, config)
        model.model.vision_tower.embeddings.patch_embedding.weight.data *= scale
        model.save_pretrained(folder)
        processor = {"image_mean": list(CLIP_MEAN), "image_std": list(CLIP_STD)}
        self.folder, self.checkpoint = folder, Checkpoint(folder, config.to_dict(), processor)
        self.image = synthetic_images()[0].resize((side, side), Image.Resampling.BICUBIC)
        self.embeddings = self._embeddings(model)

    def _embeddings(self, model):
        values = torch.frombuffer(bytearray(self.image.tobytes()), dtype=torch.uint8).float() / 255
        pixels = (values.reshape(*self.image.size, 3) - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
        layer, strategy = model.config.vision_feature_layer, model.config.vision_feature_select_strategy
        with torch.no_grad():
            features = model.get_image_features(
                pixel_values=pixels.permute(2, 0, 1)[None],
                vision_feature_layer=layer,
                vision_feature_select_strategy=strategy,
            )
        return features.pooler_output[0]
