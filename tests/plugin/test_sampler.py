"""Every row is in a pack, in every epoch, through Axolotl's own sampler."""

from __future__ import annotations

import numpy as np
import pytest
from axolotl.utils.samplers import MultipackBatchSampler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import RandomSampler

from bimedix2_plugin.data.sampler import WholeEpochSampler, split_to


def _axolotl_sampler(lengths, capacity, ranks=1):
    return MultipackBatchSampler(
        RandomSampler(range(len(lengths))),
        batch_size=1,
        batch_max_len=capacity,
        lengths=np.array(lengths),
        bin_size=200,
        label_counts=np.array(lengths) // 2,
        seed=3,
        dp_count=ranks,
        batches_per_optimizer_step=ranks,
        num_processes=1,
    )


@settings(max_examples=8)
@given(
    lengths=st.lists(st.integers(2, 100), min_size=12, max_size=60),
    epochs=st.integers(1, 4),
    ranks=st.integers(1, 3),
)
def test_every_row_once_in_every_epoch(lengths, epochs, ranks):
    sampler = WholeEpochSampler.of(_axolotl_sampler(lengths, 100, ranks), epochs)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler) and len(batches) % ranks == 0
        rows = [row for batch in batches for part in batch for row in part]
        assert sorted(rows) == list(range(len(lengths)))
        assert all(sum(lengths[row] for row in part) <= 100 for batch in batches for part in batch)


def test_axolotls_own_sampler_loses_rows():
    """The reason for ours: later epochs are cut to the first one's number of packs."""
    lengths = np.random.default_rng(0).integers(10, 90, 100)
    sampler = _axolotl_sampler(lengths, 100)
    len(sampler)
    seen = []
    for epoch in range(12):
        sampler.set_epoch(epoch)
        seen.append(sum(len(part) for batch in sampler for part in batch))
    assert min(seen) < 100


@given(
    batches=st.lists(st.lists(st.integers(), min_size=1, max_size=5), min_size=1, max_size=6), more=st.integers(0, 9)
)
def test_splitting_keeps_every_row(batches, more):
    nested = [[batch] for batch in batches]
    rows = sorted(row for batch in batches for row in batch)
    count = len(batches) + more
    if count > len(rows):
        with pytest.raises(ValueError, match="rows cannot fill"):
            split_to(nested, count)
        return
    result = split_to(nested, count)
    assert len(result) == count
    assert sorted(row for batch in result for part in batch for row in part) == rows
