"""Attention inside a pack on a CPU: document by document.

transformers isolates packed documents by one dense block mask over the whole pack; its cost is quadratic in
the pack's length and eats what packing saves. Here each document attends to itself alone, within the layer's sliding
window where it has one. On CUDA the varlen kernels of flash attention, or Axolotl's for sdpa, do the same.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask

NAME = "bimedix2_documents"


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
        attention_mask: given only outside packing; plain sdpa serves then.
        position_ids: [1, L], restarting at 0 with every document.
        sliding_window: how many keys a query sees, its own among them; None: all before it.
        kwargs: dropout, scaling and the like, as sdpa takes them.

    Returns:
        [1, L, heads, D], and no weights.
    """
    if attention_mask is not None or position_ids is None or query.shape[0] != 1 or query.shape[2] != key.shape[2]:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    starts = torch.nonzero(position_ids[0] == 0).flatten().tolist()
    lengths = [end - start for start, end in zip(starts, [*starts[1:], query.shape[2]], strict=True)]
    parts = zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True)
    outputs = [
        sdpa_attention_forward(module, q, k, v, _window(q.shape[2], sliding_window, q.device), **kwargs)[0]
        for q, k, v in parts
    ]
    return torch.cat(outputs, dim=1), None


def _window(length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """Return what each query of a document sees, bool [1, 1, L, L]; None where that is all before it."""
    if window is None or length <= window:
        return None
    seen = torch.ones(length, length, dtype=torch.bool, device=device)
    return seen.tril().triu(1 - window)[None, None]


def _mask(**kwargs: Any) -> torch.Tensor | None:
    """Make no mask for a pack; make sdpa's where a padding mask is given."""
    return None if kwargs.get("attention_mask") is None else sdpa_mask(**kwargs)


def use_document_attention(model: Any) -> None:
    """Switch the language model of a LLaVA model, and it alone, to attention document by document."""
    AttentionInterface.register(NAME, document_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, _mask)
    model.model.language_model.config._attn_implementation = NAME
