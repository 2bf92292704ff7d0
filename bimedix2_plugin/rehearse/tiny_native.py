"""Tiny random models that already see, one of each model type, with tokenizer, chat template and processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from bimedix2_plugin.rehearse.tiny import random_model
from bimedix2_plugin.rehearse.tiny_families import WINDOW, gemma, qwen
from bimedix2_plugin.rehearse.tiny_llava import llava, vicuna

PATCH = 4
_TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}


def native(folder: str | Path, model_type: str, **text: Any) -> Path:
    """Save a model of one of MAKERS; `text` are settings of its language model, whose heads have 16 dimensions.

    Those with images of several sizes, and Gemma 3, also take `patch`, the side of a patch in pixels.
    """
    MAKERS[model_type](Path(folder), **text)
    return Path(folder)


def gemma3(folder: Path, patch: int = PATCH, **settings: Any) -> None:
    """Gemma 3, MedGemma's architecture: 4 placeholders an image, and a sliding window shorter than most rows."""
    words, ids = gemma3_words()
    text = _text(words, head_dim=16, query_pre_attn_scalar=16, sliding_window=WINDOW) | settings
    kinds = ["sliding_attention", "full_attention"]
    text |= {"layer_types": kinds * (text["num_hidden_layers"] // 2), "tie_word_embeddings": True}
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Gemma3Config(
        text_config=text,
        vision_config=vision | {"image_size": 4 * patch, "patch_size": patch},
        mm_tokens_per_image=4,
        **ids,
    )
    random_model(Gemma3ForConditionalGeneration, config).save_pretrained(folder)
    pixels = Gemma3ImageProcessorPil(size={"height": 4 * patch, "width": 4 * patch})
    Gemma3Processor(pixels, words, chat_template=GEMMA3_PARTS, image_seq_length=4).save_pretrained(folder)


def qwen3_vl(folder: Path, patch: int = PATCH, **settings: Any) -> None:
    """Qwen3-VL, with one deepstack merger."""
    words, ids = qwen3_words()
    vision: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "depth": 2,
        "num_heads": 4,
        "patch_size": patch,
    }
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = _text(words, head_dim=16, rope_parameters=rope) | settings
    vision |= {"out_hidden_size": text["hidden_size"], "deepstack_visual_indexes": [0], "num_position_embeddings": 64}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False, **ids)
    random_model(Qwen3VLForConditionalGeneration, config).save_pretrained(folder)
    _save_qwen(folder, words, patch)


def qwen2_5_vl(folder: Path, patch: int = PATCH, **settings: Any) -> None:
    """Qwen2.5-VL, whose tower attends in windows."""
    words, ids = qwen2_5_words()
    vision: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "depth": 2,
        "num_heads": 4,
        "patch_size": patch,
    }
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}
    text = _text(words, rope_parameters=rope) | settings
    vision |= {"out_hidden_size": text["hidden_size"], "fullatt_block_indexes": [1], "window_size": 4 * patch}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=False, **ids)
    random_model(Qwen2_5_VLForConditionalGeneration, config).save_pretrained(folder)
    _save_qwen(folder, words, patch)


MAKERS: dict[str, Callable[..., None]] = {
    "gemma3": gemma3,
    "llava": llava,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen3_vl": qwen3_vl,
}

# Small tokenizers like those of the models, with the ids of the image's tokens by their keys in the configuration.
Words = tuple[PreTrainedTokenizerFast, dict[str, Any]]


def gemma3_words() -> Words:
    """Gemma's, with the tokens before, in the place of, and after an image."""
    images = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    words = gemma(GEMMA3_PARTS, images)
    return words, {f"{name}_index": _id(words, token) for name, token in images.items()}


def llava_words() -> Words:
    """Vicuna's, with a placeholder and a padding token."""
    words = vicuna()
    return words, {"image_token_index": _id(words, "<image>")}


def qwen3_words() -> Words:
    """Qwen's, without a default system text."""
    return _qwen_words(qwen_parts(""))


def qwen2_5_words() -> Words:
    """Qwen's, with a default system text."""
    return _qwen_words(qwen_parts("You are a helpful assistant."))


WORDS: dict[str, Callable[[], Words]] = {
    "gemma3": gemma3_words,
    "llava": llava_words,
    "qwen2_5_vl": qwen2_5_words,
    "qwen3_vl": qwen3_words,
}


def _id(words: PreTrainedTokenizerFast, token: str) -> int:
    return int(words.convert_tokens_to_ids(token))  # type: ignore[arg-type]  # a list only for a list


def _text(words: PreTrainedTokenizerFast, **settings: Any) -> dict[str, Any]:
    tokens = {name: getattr(words, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return _TEXT | {"vocab_size": len(words)} | tokens | settings


def _qwen_words(template: str) -> Words:
    tokens = {"vision_start": "<|vision_start|>", "vision_end": "<|vision_end|>", "image": "<|image_pad|>"}
    tokens |= {"video": "<|video_pad|>"}
    words = qwen(template)
    words.add_special_tokens({"extra_special_tokens": list(tokens.values())})
    return words, {f"{name}_token_id": _id(words, token) for name, token in tokens.items()}


def _save_qwen(folder: Path, words: PreTrainedTokenizerFast, patch: int) -> None:
    """Save tokenizer and image processor; images keep 4 to 64 placeholders."""
    unit = (2 * patch) ** 2
    words.save_pretrained(folder)
    pixels = Qwen2VLImageProcessorPil(
        patch_size=patch, merge_size=2, size={"shortest_edge": 4 * unit, "longest_edge": 64 * unit}
    )
    pixels.save_pretrained(folder)


# Chat templates like those that the models publish, for contents that are strings or lists of parts.
GEMMA3_PARTS = """\
{{ bos_token }}
{%- set opening = namespace(text='') -%}
{%- if messages[0]['role'] == 'system' -%}
{%- set first = messages[0]['content'] -%}
{%- set opening.text = (first if first is string else first[0]['text']) + '\\n\\n' -%}
{%- endif -%}
{%- for message in messages if message['role'] != 'system' -%}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
{{ '<start_of_turn>' + role + '\\n' + (opening.text if loop.first else '') }}
{%- if message['content'] is string -%}
{{ message['content'] | trim }}
{%- else -%}
{%- for part in message['content'] -%}
{{ '<start_of_image>' if part['type'] == 'image' else part['text'] | trim }}
{%- endfor -%}
{%- endif -%}
{{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""

_QWEN_PARTS = """\
{%- if messages[0]['role'] != 'system' and default_system -%}
{{ '<|im_start|>system\\n' + default_system + '<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' if part['type'] == 'image' else part['text'] }}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""


def qwen_parts(system: str) -> str:
    """Return the template with a default system text, or with none."""
    return f"{{%- set default_system = {system!r} -%}}\n{_QWEN_PARTS}"
