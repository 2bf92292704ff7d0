"""One prefill for what the prompts of a batch share: their images, and the text up to where they part.

The prefixes of all groups of prompts are prefilled as one batch; then every prompt takes a copy of its group's keys
and values, and only its own tokens are computed:

    padding, prefix | padding, own tokens | answer

Padding is masked and takes no position, so the logits are those of the prompt alone, up to rounding.
Shape suffixes: B = prompts, G = groups, L = tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from eval.engines.engine import Request
from eval.engines.parted import Parted, expanded, groups_of

if TYPE_CHECKING:
    from torch import Tensor

OFFSETS = "text_replacement_offsets"
"""What a processor returns, if asked to: the text that it puts in the place of each image's placeholder."""


class SharedPrefixes:
    """Decodes a batch from its shared prefixes, or leaves it to the caller where that saves little or would be wrong.

    Args:
        model: a causal model of transformers; its generation_config says how answers end.
        processor: of the checkpoint, or its tokenizer where there are no images.
        inputs: returns the processor's tensors for a batch, padded on the left; options are the processor's.
        token_ids: returns the tokens of a prompt whose placeholders are expanded.
    """

    def __init__(
        self, model: Any, processor: Any, inputs: Callable[..., Any], token_ids: Callable[[str], list[int]]
    ) -> None:
        self._model, self._inputs, self._token_ids = model, inputs, token_ids
        self._placeholder: str | None = getattr(processor, "image_token", None)
        self._image_ids = {*getattr(processor, "image_token_ids", ())}
        self._longest = longest_shareable(model) if not self._placeholder or tells_expansions(processor) else 0

    def generate(self, requests: Sequence[Request]) -> Tensor | None:
        """Return the ids of the answers, of shape (B, L); None where the prefixes are not to be shared."""
        group_of = groups_of(requests)
        if not self._longest or len({*group_of}) == len(requests):
            return None
        first_of = [group_of.index(group) for group in range(max(group_of) + 1)]
        inputs, replacements = self._processed([requests[row] for row in first_of])
        tokens = [
            self._token_ids(expanded(each.prompt, self._placeholder, replacements[group]))
            for each, group in zip(requests, group_of, strict=True)
        ]
        parted = Parted.of(tokens, group_of)
        if not parted.worthwhile or parted.width + self._model.generation_config.max_new_tokens > self._longest:
            return None
        images_are_shared = self._image_ids.isdisjoint(chain(*parted.own))
        if not images_are_shared or unpadded(inputs) != [tokens[row] for row in first_of]:
            return None
        return self._decode(parted, inputs)

    def _processed(self, requests: Sequence[Request]) -> tuple[Any, list[list[str]]]:
        """Return the processor's tensors, and the texts that it puts in the place of each prompt's placeholders."""
        if not self._placeholder:
            return self._inputs(requests), [[] for _ in requests]
        inputs = self._inputs(requests, **{f"return_{OFFSETS}": True})
        return inputs, [[each["replacement"] for each in of_prompt] for of_prompt in inputs.pop(OFFSETS)]

    def _decode(self, parted: Parted, inputs: Any) -> Tensor:
        import torch

        pad = self._model.generation_config.pad_token_id
        prefixes = {name: _prefixes(name, tensor, inputs, parted, pad) for name, tensor in inputs.items()}
        done = self._model.generate(**prefixes, max_new_tokens=1, return_dict_in_generate=True)
        rows_B = torch.tensor(parted.group_of)  # not on the model's device: its layers may be on several
        done.past_key_values.batch_select_indices(rows_B)
        base = self._model.base_model
        if getattr(base, "rope_deltas", None) is not None:  # positions after an image, of models with M-RoPE
            base.rope_deltas = base.rope_deltas[rows_B]
        ids_GL, mask_GL = prefixes["input_ids"], prefixes["attention_mask"]
        longest = max(map(len, parted.own))
        own_BL = ids_GL.new_tensor([[pad] * (longest - len(ids)) + ids for ids in parted.own])
        own_mask_BL = mask_GL.new_tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in parted.own])
        ids_BL: Tensor = self._model.generate(
            input_ids=torch.cat([ids_GL[rows_B], own_BL], dim=1),
            attention_mask=torch.cat([mask_GL[rows_B], own_mask_BL], dim=1),
            past_key_values=done.past_key_values,
        )
        return ids_BL[:, parted.width :]


def longest_shareable(model: Any) -> float:
    """Return how many tokens, padding included, a row may have for padding in its middle to change nothing.

    A layer that attends in a window counts padding as tokens, so a row has to fit into the smallest window. A layer
    that keeps a state in place of keys and values would take padding into it: then 0.
    """
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    layers: list[Any] = list(DynamicCache(config=model.config).layers)
    if any(type(layer) not in {DynamicLayer, DynamicSlidingWindowLayer} for layer in layers):
        return 0
    return min((layer.sliding_window for layer in layers if layer.is_sliding), default=math.inf)


def tells_expansions(processor: Any) -> bool:
    """Whether a processor says what it puts in the place of a placeholder."""
    from transformers import ProcessorMixin

    return getattr(type(processor), "replace_image_token", None) not in {None, ProcessorMixin.replace_image_token}


def unpadded(inputs: Any) -> list[list[int]]:
    """Return the token ids of a padded batch, of each row without its padding."""
    rows = zip(inputs["input_ids"], inputs["attention_mask"].bool(), strict=True)
    return [ids_L[mask_L].tolist() for ids_L, mask_L in rows]


def _prefixes(name: str, tensor: Tensor, inputs: Any, parted: Parted, pad: int) -> Tensor:
    """Cut what has a value for every token, shape (G, L), down to the groups' prefixes; other tensors stay."""
    if tensor.shape != inputs["input_ids"].shape:
        return tensor
    width = max(parted.lengths)
    starts = (inputs["attention_mask"] == 0).sum(dim=1).tolist()
    cut = tensor.new_full((len(parted.lengths), width), pad if name == "input_ids" else 0)
    for row, (start, length) in enumerate(zip(starts, parted.lengths, strict=True)):
        cut[row, width - length :] = tensor[row, start : start + length]
    return cut
