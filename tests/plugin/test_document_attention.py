"""Document by document attention equals causal attention on each document alone."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from bimedix2_plugin.training.document_attention import block_attention, document_attention


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5), groups=st.sampled_from([1, 2]))
def test_equals_each_document_alone(lengths, groups):
    generator = torch.Generator().manual_seed(sum(lengths))
    total = sum(lengths)
    query = torch.randn(1, 4, total, 8, generator=generator)
    key, value = torch.randn(2, 1, 4 // groups, total, 8, generator=generator)
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    module = torch.nn.Module()
    module.num_key_value_groups, module.is_causal = groups, True
    output, weights = document_attention(module, query, key, value, None, position_ids=positions, scaling=8**-0.5)
    assert weights is None and output.shape == (1, total, 4, 8)
    repeated = [tensor.repeat_interleave(groups, 1) for tensor in (key, value)]
    start = 0
    for length in lengths:
        q, k, v = (tensor[:, :, start : start + length] for tensor in (query, *repeated))
        alone = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        assert torch.allclose(output[:, start : start + length], alone, atol=1e-6)
        start += length


def test_a_padding_mask_is_obeyed():
    """Generation brings a mask; then plain sdpa serves."""
    query, key, value = torch.randn(3, 1, 2, 5, 8)
    module = torch.nn.Module()
    module.is_causal = True
    mask = torch.tril(torch.ones(5, 5, dtype=torch.bool))[None, None]
    mask[..., 0] = False
    mask[..., 0, 0] = True
    output, _ = document_attention(module, query, key, value, mask, position_ids=torch.arange(5)[None])
    expected = scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)
    assert torch.allclose(output, expected, atol=1e-6)


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5), pairs=st.sets(st.integers(0, 40), max_size=6))
def test_blocks_of_a_mask_equal_the_whole_mask(lengths, pairs):
    """Some tokens also see the one after them in their document, as those of an image do."""
    total = sum(lengths)
    query, key, value = torch.randn(3, 1, 2, total, 8, generator=torch.Generator().manual_seed(total))
    document = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    mask = torch.ones(total, total, dtype=torch.bool).tril()
    for one in (one for one in pairs if one + 1 < total):
        mask[one, one + 1] = True
    mask &= document[:, None] == document
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    module = torch.nn.Module()
    module.is_causal = True
    output, weights = block_attention(module, query, key, value, mask[None, None], position_ids=positions)
    expected = scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)
    assert weights is None and torch.allclose(output, expected, atol=1e-6)
