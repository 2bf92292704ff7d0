"""The image placeholder's token in the base's vocabulary.

An unused row is taken where there is one, so that no embedding is resized: a reserved token of the tokenizer (Llama
3.1, Gemma, Phi-3, and Mistral from version 3), or a row of the embedding matrix above the tokenizer's last id (Qwen).
Otherwise the vocabulary grows by one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    import torch

PLACEHOLDER = "<image>"
_RESERVED = re.compile(
    r"^<\|?(?:reserved_special_token_|reserved_|unused|extra_id_|placeholder|SPECIAL_)\d+\|?>$|^\[control_\d+\]$"
)
# Phi-3's reserved tokens strip the whitespace after them; Gemma's are not special.
_FLAGS = {"special": True, "normalized": False, "single_word": False, "lstrip": False, "rstrip": False}
_PADDING = ("<|finetune_right_pad_id|>", "<pad>", "<|pad|>", "[PAD]")


@dataclass(frozen=True)
class Placeholder:
    """The placeholder's token.

    Attributes:
        token_id: its id.
        vocab_size: rows of the embedding matrix, the placeholder's included.
        grown: whether a row was added to the base's.
    """

    token_id: int
    vocab_size: int
    grown: bool


def save_tokenizer(base_folder: Path, out: Path, vocab_size: int) -> tuple[Any, Placeholder]:
    """Write the base's tokenizer with the placeholder to `out`; return it as loaded from there.

    Args:
        base_folder: the base model's folder.
        out: folder for the tokenizer's files.
        vocab_size: rows of the base's embedding matrix.

    Raises:
        RecipeError: transformers cannot load a tokenizer from the folder.
    """
    from transformers import AutoTokenizer

    try:
        # If tekken.json exists, transformers prefers Mistral's own tokenizer, without chat template or new tokens.
        tokenizer = AutoTokenizer.from_pretrained(base_folder, mistral_format=False)
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"base_model: the tokenizer of {base_folder} cannot be loaded ({error}). Copy or download it again."
        ) from error
    _set_padding(tokenizer)
    known = tokenizer.convert_tokens_to_ids(PLACEHOLDER) if PLACEHOLDER in tokenizer.get_vocab() else None
    reserved = _last_reserved(tokenizer, vocab_size)
    if known is None and reserved is None:
        tokenizer.add_special_tokens({"extra_special_tokens": [PLACEHOLDER]}, replace_extra_special_tokens=False)
    tokenizer.save_pretrained(out)
    if known is None and reserved is not None:
        _rename(out, reserved, PLACEHOLDER)
    return _placed(out, vocab_size)


def _set_padding(tokenizer: Any) -> None:
    """Set a padding token; the end token if the base reserves none, as Axolotl does."""
    if tokenizer.pad_token is None:
        vocabulary = tokenizer.get_vocab()
        tokenizer.pad_token = next((token for token in _PADDING if token in vocabulary), tokenizer.eos_token)


def _last_reserved(tokenizer: Any, vocab_size: int) -> str | None:
    """Return the reserved token with the highest id: chat templates use the first ones."""
    tokens = tokenizer.get_added_vocab()
    reserved = {index: token for token, index in tokens.items() if _RESERVED.match(token) and index < vocab_size}
    return reserved[max(reserved)] if reserved else None


def _rename(folder: Path, old: str, new: str) -> None:
    """Rename one added token in the saved files and make it special; all ids and other tokens stay."""
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        path = folder / name
        if path.is_file():
            content = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(_replaced(content, old, new), ensure_ascii=False), encoding="utf-8")


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        flags = _FLAGS if value.get("content") == old else {}
        kept = {"merges"}  # hundreds of thousands of pairs, none of them an added token
        return {
            new if key == old else key: item if key in kept else _replaced(item, old, new)
            for key, item in value.items()
        } | flags
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    return new if value == old else value


def _placed(folder: Path, vocab_size: int) -> tuple[Any, Placeholder]:
    """Load the written tokenizer and check that the placeholder is a single token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.encode(PLACEHOLDER, add_special_tokens=False)
    if len(ids) != 1:
        raise RecipeError(
            f"base_model: its tokenizer splits {PLACEHOLDER} into {len(ids)} tokens although it is a special token. "
            "Name another base."
        )
    return tokenizer, Placeholder(ids[0], max(vocab_size, ids[0] + 1), grown=ids[0] >= vocab_size)


def with_rows(matrix: torch.Tensor, rows: int) -> torch.Tensor:
    """Return an embedding matrix [V, H] with as many rows as asked for; new rows are the mean of the others."""
    import torch

    mean = matrix.float().mean(0, keepdim=True).to(matrix.dtype)
    return torch.cat([matrix, mean.expand(rows - len(matrix), -1)]).contiguous()
