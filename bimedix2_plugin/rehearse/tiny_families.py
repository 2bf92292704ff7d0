"""A tiny random language model of each family, with a tokenizer and a chat template like the family's."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaTokenizer,
    Jais2Config,
    Jais2ForCausalLM,
    LlamaTokenizer,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from bimedix2_plugin.rehearse.tiny import random_model
from bimedix2_plugin.rehearse.tiny_templates import GEMMA2, GEMMA3, JAIS2, MISTRAL, PHI3, QWEN3
from bimedix2_plugin.rehearse.tiny_tokenizers import CHATML_TEMPLATE, TEXTS

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
    "qwen2": Family(Qwen2Config, Qwen2ForCausalLM, lambda: qwen(CHATML_TEMPLATE), 5, {"tie_word_embeddings": True}),
    "qwen3": Family(Qwen3Config, Qwen3ForCausalLM, lambda: qwen(QWEN3, ["<think>", "</think>"]), 5, {"head_dim": 16}),
    "phi3": Family(Phi3Config, Phi3ForCausalLM, lambda: phi3(PHI3), settings={"sliding_window": WINDOW}),
    # With the published cap, 50, random weights would not reach it.
    "gemma2": Family(
        Gemma2Config,
        Gemma2ForCausalLM,
        lambda: gemma(GEMMA2),
        settings=_GEMMA | {"attn_logit_softcapping": 0.5},
    ),
    "gemma3_text": Family(Gemma3TextConfig, Gemma3ForCausalLM, lambda: gemma(GEMMA3), settings=_GEMMA),
    "jais2": Family(Jais2Config, Jais2ForCausalLM, lambda: jais2(JAIS2), 5),
    "mistral": Family(MistralConfig, MistralForCausalLM, lambda: mistral(MISTRAL), settings={"sliding_window": WINDOW}),
    "mistral_v1": Family(MistralConfig, MistralForCausalLM, lambda: mistral(MISTRAL, control=0)),
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


# Small trained tokenizers like those of the families: pieces, added tokens and their flags.
_BYTES = [f"<0x{value:02X}>" for value in range(256)]
_SPACES = normalizers.Replace(" ", "▁")


def qwen(template: str, plain: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """Byte-level BPE without a BOS token; `plain` tokens are added but not special."""
    vocabulary, merges = _trained(["<|endoftext|>"], None, pre_tokenizers.ByteLevel(add_prefix_space=False))
    words = Qwen2Tokenizer(vocab=vocabulary, merges=merges)
    words.add_tokens([_special("<|im_start|>"), _special("<|im_end|>"), *(AddedToken(token) for token in plain)])
    words.eos_token, words.chat_template = "<|im_end|>", template
    return words


def jais2(template: str) -> PreTrainedTokenizerFast:
    """Byte-level BPE with the special tokens of Llama 3's turns."""
    words = qwen(template)
    tokens = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    words.add_tokens([_special(token) for token in tokens])
    words.bos_token, words.eos_token = tokens[0], tokens[-1]
    return words


def phi3(template: str) -> PreTrainedTokenizerFast:
    """A space before every piece of text; chat tokens strip the whitespace after them."""
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), _SPACES])
    vocabulary, merges = _trained(["<unk>", "<s>", "</s>", *_BYTES], normalizer, pre_tokenizers.Metaspace())
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizer
    pieces = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(pieces)
    words = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", bos_token="<s>")
    chat = (
        "<|endoftext|>",
        "<|assistant|>",
        "<|placeholder1|>",
        "<|placeholder2|>",
        "<|system|>",
        "<|end|>",
        "<|user|>",
    )
    words.add_tokens([_special(token, rstrip=True) for token in chat])
    words.eos_token = words.pad_token = "<|endoftext|>"
    words.chat_template = template
    return words


def gemma(template: str, images: dict[str, str] | None = None) -> PreTrainedTokenizerFast:
    """No space before a text; line breaks, HTML tags and unused tokens are added but not special.

    `images` are the tokens around and in the place of an image, by the attribute that a processor reads them from.
    """
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    split = pre_tokenizers.Split(" ", "merged_with_previous")
    vocabulary, merges = _trained([*special, *_BYTES], _SPACES, split)
    words = GemmaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True, extra_special_tokens=images or {})
    plain = ["\n\n", "<table>", *(f"<unused{number}>" for number in range(4))]
    words.add_tokens([AddedToken(token, normalized=False) for token in plain])
    words.add_tokens([_special("<start_of_turn>"), _special("<end_of_turn>")])
    words.chat_template = template
    return words


def mistral(template: str, control: int = 8) -> PreTrainedTokenizerFast:
    """Version 3's, with [INST] and `control` reserved tokens; version 1's with `control=0`."""
    special = ["<unk>", "<s>", "</s>"]
    special += ["[INST]", "[/INST]", *(f"[control_{number}]" for number in range(control))] if control else []
    vocabulary, merges = _trained([*special, *_BYTES], None, pre_tokenizers.Metaspace())
    words = LlamaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)
    words.add_tokens([_special(token) for token in special])
    words.chat_template = template
    return words


def _special(token: str, **flags: bool) -> AddedToken:
    return AddedToken(token, special=True, normalized=False, **flags)


def _trained(special: list[str], normalizer: Any, pre_tokenizer: Any) -> tuple[dict[str, int], Any]:
    """Train a small BPE; return its vocabulary, special tokens first, and its merges (pairs of pieces)."""
    backend = Tokenizer(models.BPE())
    backend.normalizer, backend.pre_tokenizer = normalizer, pre_tokenizer
    byte_level = isinstance(pre_tokenizer, pre_tokenizers.ByteLevel)
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else []
    trainer = trainers.BpeTrainer(
        vocab_size=len(special) + 500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXTS * 4, trainer)
    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]
