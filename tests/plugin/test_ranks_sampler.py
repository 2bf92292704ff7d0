"""What each rank is given: accelerate deals the sampler's packs out in turn, and no row is dealt out twice or never."""

from __future__ import annotations

import numpy as np
import pytest
from accelerate.data_loader import BatchSamplerShard
from axolotl.utils.samplers import MultipackBatchSampler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import RandomSampler

from bimedix2_plugin.data.sampler import WholeEpochSampler


def _sampler(lengths, ranks, epochs, packs=1):
    sampler = MultipackBatchSampler(
        RandomSampler(range(len(lengths))),
        batch_size=packs,
        batch_max_len=100,
        lengths=np.array(lengths),
        bin_size=200,
        label_counts=np.array(lengths) // 2,
        seed=3,
        dp_count=ranks,
        batches_per_optimizer_step=ranks,
        num_processes=1,
    )
    return WholeEpochSampler.of(sampler, epochs)


def _rows(batches):
    return [row for batch in batches for part in batch for row in part]


@settings(max_examples=5)
@given(lengths=st.lists(st.integers(2, 100), min_size=16, max_size=60), epochs=st.integers(1, 3))
@pytest.mark.parametrize("packs", [1, 2])
def test_two_ranks_see_every_row_of_an_epoch_once(packs, lengths, epochs):
    sampler = _sampler(lengths, 2, epochs, packs)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        shares = [list(BatchSamplerShard(sampler, 2, rank)) for rank in range(2)]
        assert len(shares[0]) == len(shares[1])
        assert sorted(_rows(shares[0]) + _rows(shares[1])) == list(range(len(lengths)))


def test_packs_are_dealt_out_in_turn():
    sampler = _sampler([40] * 32, 2, 1)
    packs = list(sampler)
    assert list(BatchSamplerShard(sampler, 2, 0)) == packs[0::2]
    assert list(BatchSamplerShard(sampler, 2, 1)) == packs[1::2]
