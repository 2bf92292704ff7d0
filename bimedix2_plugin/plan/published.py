"""Published sizes of models, for a plan where their files are not on this disk."""

from __future__ import annotations

from typing import Any

_SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")


def _text(model_type: str, vocabulary: int, sizes: tuple[int, ...], kv: int, **more: Any) -> dict[str, Any]:
    named = dict(zip(_SIZES, sizes, strict=True))
    return {"model_type": model_type, "vocab_size": vocabulary, **named, "num_key_value_heads": kv, **more}


def _vision(model_type: str, sizes: tuple[int, ...], side: int, patch: int) -> dict[str, Any]:
    named = dict(zip(_SIZES, sizes, strict=True))
    return {"model_type": model_type, **named, "image_size": side, "patch_size": patch}


def _qwen_vision(sizes: tuple[int, ...], patch: int, out: int) -> dict[str, Any]:
    named = dict(zip(("hidden_size", "intermediate_size", "depth", "num_heads"), sizes, strict=True))
    return named | {"patch_size": patch, "out_hidden_size": out}


def _qwen_pixels(patch: int, smallest: int, largest: int) -> dict[str, Any]:
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "patch_size": patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "size": {"shortest_edge": smallest, "longest_edge": largest},
    }


_QWEN_TOKENS = {
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "image_token_id": 151655,
    "video_token_id": 151656,
}
_GEMMA_2_9B = _text("gemma2", 256000, (3584, 14336, 42, 16), 8, head_dim=256, tie_word_embeddings=True)

_LLAVA_1_5_7B = {
    "model_type": "llava",
    "image_seq_length": 576,
    "image_token_index": 32000,
    "vision_feature_layer": -2,
    "vision_feature_select_strategy": "default",
    "text_config": _text("llama", 32064, (4096, 11008, 32, 32), 32),
    "vision_config": _vision("clip_vision_model", (1024, 4096, 24, 16), 336, 14),
}
_MEDGEMMA_4B = {
    "model_type": "gemma3",
    "mm_tokens_per_image": 256,
    "text_config": _text("gemma3_text", 262208, (2560, 10240, 34, 8), 4, head_dim=256, sliding_window=1024),
    "vision_config": _vision("siglip_vision_model", (1152, 4304, 27, 16), 896, 14) | {"vision_use_head": False},
}
_QWEN_2_5_VL_7B = {
    "model_type": "qwen2_5_vl",
    "tie_word_embeddings": False,
    "text_config": _text(
        "qwen2_5_vl_text",
        152064,
        (3584, 18944, 28, 28),
        4,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    ),
    "vision_config": _qwen_vision((1280, 3420, 32, 16), 14, 3584)
    | {"window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
    **_QWEN_TOKENS,
}
_QWEN_3_VL_8B = {
    "model_type": "qwen3_vl",
    "tie_word_embeddings": False,
    "text_config": _text(
        "qwen3_vl_text",
        151936,
        (4096, 12288, 36, 32),
        8,
        head_dim=128,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 5e6,
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
    ),
    "vision_config": _qwen_vision((1152, 4304, 27, 16), 16, 4096)
    | {"num_position_embeddings": 2304, "deepstack_visual_indexes": [8, 16, 24]},
    **_QWEN_TOKENS,
}

# The values in each repository's config.json that decide sizes. Four files were not available: SILMA's values are those
# of Gemma 2 9B, of which it is a fine-tune, PubMedCLIP's those of ViT-B/32, from its name, Jais 2's the defaults of
# transformers' configuration, RAD-DINO's those of DINOv2's ViT-B/14 at 518 pixels, on which it was trained.
PUBLISHED: dict[str, dict[str, Any]] = {
    "meta-llama/Llama-3.1-8B-Instruct": _text("llama", 128256, (4096, 14336, 32, 32), 8),
    "meta-llama/Llama-3.1-70B-Instruct": _text("llama", 128256, (8192, 28672, 80, 64), 8),
    "microsoft/Phi-3.5-mini-instruct": _text("phi3", 32064, (3072, 8192, 32, 32), 32, pad_token_id=32000),
    "Qwen/Qwen3-8B": _text("qwen3", 151936, (4096, 12288, 36, 32), 8, head_dim=128),
    "inceptionai/Jais-2-8B-Chat": _text("jais2", 150272, (3328, 26624, 32, 26), 26, head_dim=128),
    "mistralai/Mistral-7B-Instruct-v0.3": _text("mistral", 32768, (4096, 14336, 32, 32), 8, sliding_window=None),
    "google/gemma-2-9b-it": _GEMMA_2_9B,
    "silma-ai/SILMA-9B-Instruct-v1.0": _GEMMA_2_9B,
    "google/gemma-3-1b-it": _text(
        "gemma3_text", 262144, (1152, 6912, 26, 4), 1, head_dim=256, tie_word_embeddings=True
    ),
    "openai/clip-vit-large-patch14-336": _vision("clip_vision_model", (1024, 4096, 24, 16), 336, 14),
    "flaviagiammarino/pubmed-clip-vit-base-patch32": _vision("clip_vision_model", (768, 3072, 12, 12), 224, 32),
    "microsoft/rad-dino": _vision("dinov2", (768, 3072, 12, 12), 518, 14),
    "google/siglip-so400m-patch14-384": _vision("siglip_vision_model", (1152, 4304, 27, 16), 384, 14),
    "llava-hf/llava-1.5-7b-hf": _LLAVA_1_5_7B,
    "google/medgemma-4b-it": _MEDGEMMA_4B,
    "Qwen/Qwen2.5-VL-7B-Instruct": _QWEN_2_5_VL_7B,
    "Qwen/Qwen3-VL-8B-Instruct": _QWEN_3_VL_8B,
}

# The values in the processors' files that decide placeholders and pixels, by file.
PROCESSORS: dict[str, dict[str, dict[str, Any]]] = {
    "llava-hf/llava-1.5-7b-hf": {
        "preprocessor_config.json": {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 336},
            "crop_size": {"height": 336, "width": 336},
        },
        "processor_config.json": {
            "processor_class": "LlavaProcessor",
            "image_token": "<image>",
            "patch_size": 14,
            "num_additional_image_tokens": 1,
            "vision_feature_select_strategy": "default",
        },
    },
    "google/medgemma-4b-it": {
        "preprocessor_config.json": {
            "image_processor_type": "Gemma3ImageProcessor",
            "processor_class": "Gemma3Processor",
            "size": {"height": 896, "width": 896},
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
        },
        "processor_config.json": {"processor_class": "Gemma3Processor", "image_seq_length": 256},
    },
    "Qwen/Qwen2.5-VL-7B-Instruct": {"preprocessor_config.json": _qwen_pixels(14, 3136, 12_845_056)},
    "Qwen/Qwen3-VL-8B-Instruct": {"preprocessor_config.json": _qwen_pixels(16, 65_536, 16_777_216)},
}
