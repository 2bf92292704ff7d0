"""Small trained tokenizers like those of Qwen, Phi-3, Gemma and Mistral: pieces, added tokens and their flags."""

import json
from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GemmaTokenizer, LlamaTokenizer, PreTrainedTokenizerFast, Qwen2Tokenizer

from bimedix2_plugin.rehearse.tiny_tokenizers import TEXTS

_BYTES = [f"<0x{value:02X}>" for value in range(256)]
_SPACES = normalizers.Replace(" ", "▁")


def qwen(template: str, plain: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """Byte-level BPE without a BOS token; `plain` tokens are added but not special."""
    vocabulary, merges = _trained(["<|endoftext|>"], None, pre_tokenizers.ByteLevel(add_prefix_space=False))
    words = Qwen2Tokenizer(vocab=vocabulary, merges=merges)
    words.add_tokens([_special("<|im_start|>"), _special("<|im_end|>"), *(AddedToken(token) for token in plain)])
    words.eos_token, words.chat_template = "<|im_end|>", template
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


def gemma(template: str) -> PreTrainedTokenizerFast:
    """No space before a text; line breaks, HTML tags and unused tokens are added but not special."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    split = pre_tokenizers.Split(" ", "merged_with_previous")
    vocabulary, merges = _trained([*special, *_BYTES], _SPACES, split)
    words = GemmaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)
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
