"""Axolotl's pack sampler, changed so that every epoch contains every row.

Axolotl takes the number of packs from the first epoch and truncates later epochs to it, so that some rows are dropped.
Here it is the largest number of any epoch, and epochs with fewer packs split those with the most rows.
"""

from __future__ import annotations

import math

from axolotl.utils.samplers import MultipackBatchSampler

Batch = list[list[int]]


class WholeEpochSampler(MultipackBatchSampler):
    """Same number of batches every epoch (summed over ranks), a multiple of a step's; no row is dropped."""

    _batches: list[Batch] | None

    @classmethod
    def of(cls, sampler: MultipackBatchSampler, epochs: int, accumulation: int = 1) -> WholeEpochSampler:
        """Convert a sampler that Axolotl configured.

        Args:
            sampler: seeded by epoch (`balance_labels: true`), so that the packs of all epochs can be computed now.
            epochs: number of epochs.
            accumulation: batches that a rank accumulates in a step. With whole steps only, n ranks train on the batches
                of one rank with n times the accumulation; with fewer rows than that, the last step is smaller.
        """
        whole = cls.__new__(cls)
        whole.__dict__.update(sampler.__dict__)
        whole.drop_last = False
        whole._len_across_ranks = None
        counts = []
        for epoch in range(max(1, epochs)):
            whole.set_epoch(epoch)
            counts.append(len(MultipackBatchSampler.generate_batches(whole)))
        step = whole.dp_count * accumulation
        if math.ceil(max(counts) / step) * step > len(whole.lengths):
            step = whole.dp_count
        whole._len_across_ranks = math.ceil(max(counts) / step) * step
        whole.set_epoch(0)
        return whole

    def generate_batches(self, set_stats: bool = False) -> list[Batch]:
        """Return this epoch's batches: equally many bins of row indices each, of which some may be empty."""
        if self._batches is None:
            batches = super().generate_batches(set_stats)
            batches = split_to(batches, self._len_across_ranks or len(batches))
            # When it distributes batches over ranks, accelerate drops some of those that have fewer bins than others.
            self._batches = [batch + [[]] * (self.batch_size - len(batch)) for batch in batches]
        return self._batches


def split_to(batches: list[Batch], count: int) -> list[Batch]:
    """Split the batch with the most rows in two until there are `count` batches; the second half goes to the end.

    Neither the choice nor the other batches' places depend on the order of the batches in a step, which Axolotl chooses
    by the number of ranks.

    Raises:
        ValueError: there are fewer rows than `count`.
    """
    batches = [[list(part) for part in batch] for batch in batches]
    while len(batches) < count:
        flat = [[row for part in batch for row in part] for batch in batches]
        fullest = max(range(len(batches)), key=lambda index: (len(flat[index]), min(flat[index], default=0)))
        rows = flat[fullest]
        if len(rows) < 2:
            raise ValueError(
                f"{len(batches)} rows cannot fill {count} batches; use fewer ranks for so small a dataset."
            )
        half = len(rows) // 2
        batches[fullest] = [rows[:half]]
        batches.append([rows[half:]])
    return batches
