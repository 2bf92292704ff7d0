"""A tiny random language model of each family, with a tokenizer and a chat template like the family's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from bimedix2_plugin.rehearse import tiny_family_tokenizers as words
from bimedix2_plugin.rehearse import tiny_templates as templates
from bimedix2_plugin.rehearse.tiny import random_model
from bimedix2_plugin.rehearse.tiny_tokenizers import CHATML_TEMPLATE

WINDOW = 12  # shorter than most rows, so that ignoring the sliding window changes the results


@dataclass(frozen=True)
class Family:
    """How one family differs from a Llama: classes, tokenizer, spare rows of the embeddings, configuration."""

    config: type[PreTrainedConfig]
    model: type[PreTrainedModel]
    tokenizer: Callable[[], PreTrainedTokenizerFast]
    spare_rows: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


_GEMMA = {
    "sliding_window": WINDOW,
    "layer_types": ["sliding_attention", "full_attention"],
    "head_dim": 16,
    "query_pre_attn_scalar": 16,
    "tie_word_embeddings": True,
}
FAMILIES = {
    "qwen2": Family(
        Qwen2Config, Qwen2ForCausalLM, lambda: words.qwen(CHATML_TEMPLATE), 5, {"tie_word_embeddings": True}
    ),
    "qwen3": Family(
        Qwen3Config, Qwen3ForCausalLM, lambda: words.qwen(templates.QWEN3, ["<think>", "</think>"]), 5, {"head_dim": 16}
    ),
    "phi3": Family(
        Phi3Config, Phi3ForCausalLM, lambda: words.phi3(templates.PHI3), settings={"sliding_window": WINDOW}
    ),
    # With the published cap, 50, random weights would not reach it.
    "gemma2": Family(
        Gemma2Config,
        Gemma2ForCausalLM,
        lambda: words.gemma(templates.GEMMA2),
        settings=_GEMMA | {"attn_logit_softcapping": 0.5},
    ),
    "gemma3_text": Family(Gemma3TextConfig, Gemma3ForCausalLM, lambda: words.gemma(templates.GEMMA3), settings=_GEMMA),
    "mistral": Family(
        MistralConfig, MistralForCausalLM, lambda: words.mistral(templates.MISTRAL), settings={"sliding_window": WINDOW}
    ),
    "mistral_v1": Family(MistralConfig, MistralForCausalLM, lambda: words.mistral(templates.MISTRAL, control=0)),
}


def base(folder: str | Path, name: str) -> Path:
    """Save a language model of one family, with 2 layers of hidden size 64, and its tokenizer."""
    family = FAMILIES[name]
    tokenizer = family.tokenizer()
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer) + family.spare_rows,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = family.config(**sizes | family.settings)
    random_model(family.model, config).save_pretrained(folder)
    return Path(folder)
