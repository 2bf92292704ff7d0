"""Tiny random checkpoints of vision-language models that are evaluated and not trained: tiles of one image."""

from pathlib import Path
from typing import Any

from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from bimedix2_plugin.rehearse.tiny import random_model
from bimedix2_plugin.rehearse.tiny_families import qwen
from bimedix2_plugin.rehearse.tiny_llava import VICUNA, vicuna
from bimedix2_plugin.rehearse.tiny_native import MAKERS, native, qwen_parts

SIDE, PATCH = 28, 14
TEXT: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
TEXT |= {"num_key_value_heads": 2, "max_position_embeddings": 2048}
VISION: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
GRIDS = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE]]


def llava_next(folder):
    """LLaVA-NeXT: an image in up to 4 tiles and once more whole; Vicuna's template writes no BOS."""
    words = vicuna()
    tokens = {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = LlavaNextConfig(
        text_config={"model_type": "llama", "vocab_size": len(words)} | TEXT | tokens,
        vision_config={"model_type": "clip_vision_model", "image_size": SIDE, "patch_size": PATCH} | VISION,
        image_token_index=words.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=GRIDS,
    )
    random_model(LlavaNextForConditionalGeneration, config).save_pretrained(folder)
    side = {"height": SIDE, "width": SIDE}
    pixels = LlavaNextImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=side, image_grid_pinpoints=GRIDS)
    settings = {"vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    LlavaNextProcessor(pixels, words, patch_size=PATCH, chat_template=VICUNA, **settings).save_pretrained(folder)


def internvl(folder):
    """InternVL in transformers' own form: an image in 1 to 4 tiles, each of 4 placeholders, between two tokens."""
    template = qwen_parts("").replace("<|vision_start|><|image_pad|><|vision_end|>", "<IMG_CONTEXT>\\n")
    base = qwen(template)
    marks = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    words = PreTrainedTokenizerFast(
        tokenizer_object=base.backend_tokenizer,
        eos_token=base.eos_token,
        pad_token=base.pad_token,
        chat_template=template,
        extra_special_tokens=marks | {"video_token": "<video>"},
    )
    tokens = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id, "bos_token_id": None}
    config = InternVLConfig(
        text_config={"model_type": "qwen2", "vocab_size": len(words)} | TEXT | tokens,
        vision_config={"image_size": [SIDE, SIDE], "patch_size": [PATCH // 2, PATCH // 2]} | VISION,
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        downsample_ratio=0.5,
    )
    random_model(InternVLForConditionalGeneration, config).save_pretrained(folder)
    side = {"height": SIDE, "width": SIDE}
    pixels = GotOcr2ImageProcessorPil(size=side, crop_to_patches=True, min_patches=1, max_patches=4)
    video = InternVLVideoProcessor(size=side)
    InternVLProcessor(pixels, words, video, image_seq_length=4, chat_template=template).save_pretrained(folder)


FAMILIES = (*MAKERS, "internvl", "llava_next")


def seeing(folder, family):
    """Save a tiny random checkpoint of one of FAMILIES."""
    made = {"internvl": internvl, "llava_next": llava_next}
    if family in made:
        made[family](Path(folder))
        return Path(folder)
    return native(folder, family)
