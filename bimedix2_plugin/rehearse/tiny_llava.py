"""Tiny random LLaVA-1.5 checkpoints, in the forms in which such models are published."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor, PreTrainedTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from bimedix2_plugin.rehearse.tiny import random_model
from bimedix2_plugin.rehearse.tiny_families import mistral

# Vicuna's, as LLaVA-1.5 publishes it: lists of parts only, images first.
VICUNA = """\
{%- for message in messages -%}
{%- if message['role'] != 'system' -%}{{ message['role'] | upper + ': ' }}{%- endif -%}
{%- for part in message['content'] if part['type'] == 'image' -%}{{ '<image>\\n' }}{%- endfor -%}
{%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] + ' ' }}{%- endfor -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%}
"""

SIDE, PATCH = 28, 14
_TEXT = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
_TEXT |= {"num_key_value_heads": 2, "max_position_embeddings": 2048}
_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}

# Names in the files, by those of transformers 5: pattern to replacement.
LLAVA_HF = {r"^vision_tower\.": "vision_tower.vision_model."}
_INSIDE_MODEL = {
    r"^language_model\.lm_head": "lm_head",
    r"^language_model\.model\.": "model.language_model.",
    r"^(?=vision_tower|multi_modal_projector)": "model.",
}


def llava(folder: Path, *, tower: str = "clip", bias: bool = True) -> None:
    """Save LLaVA-1.5 as transformers 5 does. Vicuna's template writes no BOS and no end token.

    Args:
        folder: of the checkpoint.
        tower: "clip", or "siglip", which has no class token and whose processor has no crop.
        bias: of the projector's layers.
    """
    words = vicuna()
    side = {"height": SIDE, "width": SIDE}
    clip = tower == "clip"
    select: Literal["default", "full"] = "default" if clip else "full"
    config = LlavaConfig(
        text_config={"model_type": "llama", "vocab_size": len(words), **_TEXT, **_tokens(words)},
        vision_config={"model_type": f"{tower}_vision_model", "image_size": SIDE, "patch_size": PATCH} | _VISION,
        image_token_index=int(words.convert_tokens_to_ids("<image>")),  # type: ignore[arg-type]
        image_seq_length=(SIDE // PATCH) ** 2,
        vision_feature_select_strategy=select,
        multimodal_projector_bias=bias,
    )
    random_model(LlavaForConditionalGeneration, config).save_pretrained(folder)
    cropped = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=side)
    pixels = cropped if clip else SiglipImageProcessorPil(size=side)
    settings = {"vision_feature_select_strategy": select, "num_additional_image_tokens": int(clip)}
    LlavaProcessor(pixels, words, patch_size=PATCH, chat_template=VICUNA, **settings).save_pretrained(folder)


def published(folder: Path) -> None:
    """Save the model as llava-hf's first checkpoints are: their names and a buffer, fewer keys, other files."""
    llava(folder)
    rename(folder, LLAVA_HF)
    weights = load_file(folder / "model.safetensors")
    places = torch.arange((SIDE // PATCH) ** 2 + 1)[None]
    weights["vision_tower.vision_model.embeddings.position_ids"] = places
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["image_seq_length"], config["multimodal_projector_bias"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    processor = json.loads((folder / "processor_config.json").read_text(encoding="utf-8"))
    pixels = processor["image_processor"] | {"processor_class": "LlavaProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels), encoding="utf-8")
    (folder / "processor_config.json").unlink()
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": VICUNA}), encoding="utf-8")


def without_bias(folder: Path) -> None:
    """Save a model whose projector has two tensors, with the names of the modules in transformers' model."""
    llava(folder, bias=False)
    rename(folder, _INSIDE_MODEL)


def siglip(folder: Path) -> None:
    """Save a model with a SigLIP tower, in the names of llava-hf."""
    llava(folder, tower="siglip")
    rename(folder, LLAVA_HF)


FORMS: dict[str, Callable[[Path], None]] = {"published": published, "siglip": siglip, "without_bias": without_bias}


def rename(folder: Path, names: dict[str, str]) -> None:
    """Rename the tensors of a checkpoint's only file, each by all patterns that match."""
    renamed = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        for pattern, replacement in names.items():
            name = re.sub(pattern, replacement, name)  # noqa: PLW2901
        renamed[name] = tensor
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})


def vicuna() -> PreTrainedTokenizerFast:
    """Vicuna's tokenizer, with a placeholder and a padding token."""
    words = mistral(VICUNA, control=0)
    words.add_special_tokens({"extra_special_tokens": ["<image>", "<pad>"]})
    words.pad_token = "<pad>"
    return words


def _tokens(words: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
