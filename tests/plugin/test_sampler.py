"""Every row is in a pack, in every epoch, through Axolotl's own sampler."""

from __future__ import annotations

import numpy as np
import pytest
from axolotl.utils.samplers import MultipackBatchSampler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import RandomSampler

from bimedix2_plugin.data.sampler import WholeEpochSampler, split_to


def _axolotl_sampler(lengths, capacity, ranks=1, accumulation=1):
    return MultipackBatchSampler(
        RandomSampler(range(len(lengths))),
        batch_size=1,
        batch_max_len=capacity,
        lengths=np.array(lengths),
        bin_size=200,
        label_counts=np.array(lengths) // 2,
        seed=3,
        dp_count=ranks,
        batches_per_optimizer_step=ranks * accumulation,
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


@pytest.mark.parametrize(("ranks", "steps"), [(2, 1), (2, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_ranks_get_the_batches_of_one_rank_that_accumulates_more(ranks, steps, seed):
    """Also in the last step of an epoch; many rows are of one length, so that a choice between them must not matter."""
    random = np.random.default_rng(seed)
    lengths = random.choice([2, 2, 2, 10, 40, 90], random.integers(30, 60)).tolist()
    size = ranks * steps
    many = WholeEpochSampler.of(_axolotl_sampler(lengths, 100, ranks, steps), 2, steps)
    one = WholeEpochSampler.of(_axolotl_sampler(lengths, 100, 1, size), 2, size)
    for epoch in range(2):
        shares = []
        for sampler in (many, one):
            sampler.set_epoch(epoch)
            batches = list(sampler)
            assert len(batches) % size == 0
            shares.append([sorted(batches[start : start + size]) for start in range(0, len(batches), size)])
        assert shares[0] == shares[1]


def test_fewer_rows_than_a_steps_batches_still_train():
    sampler = WholeEpochSampler.of(_axolotl_sampler([90] * 5, 100), 1, 16)
    assert sorted(row for batch in sampler for part in batch for row in part) == list(range(5))


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
