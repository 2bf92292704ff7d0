"""Attention inside a pack on a CPU, document by document.

transformers isolates packed documents with one dense block mask over the pack; its cost is quadratic in the pack's
length and cancels the gain of packing. Here attention is computed for each document separately, within the layer's
sliding window if it has one. Where more than positions decides what a token sees (Gemma 3, whose tokens of an image see
each other), the dense mask is made, and each document attends by its block of it. On CUDA the varlen kernels of flash
attention, or Axolotl's for sdpa, do the same.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask

from bimedix2_plugin.model.vision_language.registry import of_model

NAME = "bimedix2_documents"
BLOCKS = "bimedix2_blocks"


def document_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    position_ids: torch.Tensor | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention inside each document of one packed row.

    Args:
        module: the attention layer.
        query, key, value: [1, heads, L, D].
        attention_mask: given only without packing; plain sdpa is used then.
        position_ids: [1, L], restarting at 0 with every document.
        sliding_window: number of keys that a query attends to, its own included; None: all before it.
        kwargs: dropout, scaling and so on, as sdpa takes them.

    Returns:
        [1, L, heads, D], and None for the attention weights.
    """
    if attention_mask is not None or position_ids is None or query.shape[0] != 1 or query.shape[2] != key.shape[2]:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    lengths = _lengths(position_ids)
    parts = zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True)
    outputs = [
        sdpa_attention_forward(module, q, k, v, _window(q.shape[2], sliding_window, q.device), **kwargs)[0]
        for q, k, v in parts
    ]
    return torch.cat(outputs, dim=1), None


def block_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    position_ids: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """As `document_attention`, by the blocks of a mask [1, 1, L, L] that isolates the documents of one packed row.

    Without packing, for a batch of rows, plain sdpa is used.
    """
    if (
        attention_mask is None
        or position_ids is None
        or query.shape[0] != 1
        or attention_mask.shape[-2:] != (query.shape[2], query.shape[2])
    ):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    outputs, start = [], 0
    for length in _lengths(position_ids):
        here = slice(start, start := start + length)
        q, k, v = query[:, :, here], key[:, :, here], value[:, :, here]
        outputs.append(sdpa_attention_forward(module, q, k, v, attention_mask[..., here, here], **kwargs)[0])
    return torch.cat(outputs, dim=1), None


def _lengths(position_ids: torch.Tensor) -> list[int]:
    """The lengths of the documents of a packed row, whose positions start at 0."""
    starts = torch.nonzero(position_ids[0] == 0).flatten().tolist()
    return [end - start for start, end in zip(starts, [*starts[1:], position_ids.shape[1]], strict=True)]


def _window(length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """Return a document's sliding-window mask, bool [1, 1, L, L]; None if the window covers the document."""
    if window is None or length <= window:
        return None
    mask = torch.ones(length, length, dtype=torch.bool, device=device)
    return mask.tril().triu(1 - window)[None, None]


def _mask(**kwargs: Any) -> torch.Tensor | None:
    """Return no mask for a pack, and sdpa's if there is a padding mask."""
    return None if kwargs.get("attention_mask") is None else sdpa_mask(**kwargs)


def use_document_attention(model: Any) -> None:
    """Switch the language model, but not its tower, to attention document by document."""
    AttentionInterface.register(NAME, document_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, _mask)
    AttentionInterface.register(BLOCKS, block_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(BLOCKS, sdpa_mask)
    name = NAME if of_model(model).ISOLATED_BY_POSITIONS else BLOCKS
    model.model.language_model.config._attn_implementation = name
