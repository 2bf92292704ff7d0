"""Axolotl's pack sampler, with every row in every epoch.

Axolotl fixes the number of packs by its first epoch and cuts later ones to it, so that some rows go unseen.
Here the number is the largest of all epochs, and an epoch that packs tighter splits its fullest packs.
"""

from __future__ import annotations

import math

from axolotl.utils.samplers import MultipackBatchSampler

Batch = list[list[int]]


class WholeEpochSampler(MultipackBatchSampler):
    """Yields as many batches in each epoch, over the ranks together, with every row in one of them."""

    _batches: list[Batch] | None

    @classmethod
    def of(cls, sampler: MultipackBatchSampler, epochs: int) -> WholeEpochSampler:
        """Take over a sampler that Axolotl configured.

        Args:
            sampler: seeded by epoch (`balance_labels: true`), so that its packs are known in advance.
            epochs: how many epochs will run.
        """
        whole = cls.__new__(cls)
        whole.__dict__.update(sampler.__dict__)
        whole.drop_last = False
        whole._len_across_ranks = None
        counts = []
        for epoch in range(max(1, epochs)):
            whole.set_epoch(epoch)
            counts.append(len(MultipackBatchSampler.generate_batches(whole)))
        whole._len_across_ranks = math.ceil(max(counts) / whole.dp_count) * whole.dp_count
        whole.set_epoch(0)
        return whole

    def generate_batches(self, set_stats: bool = False) -> list[Batch]:
        """Return this epoch's batches, each a list of as many bins of row numbers, of which some may be empty."""
        if self._batches is None:
            batches = super().generate_batches(set_stats)
            batches = split_to(batches, self._len_across_ranks or len(batches))
            # Of batches with fewer bins than others, accelerate leaves some out when it deals them out to the ranks.
            self._batches = [batch + [[]] * (self.batch_size - len(batch)) for batch in batches]
        return self._batches


def split_to(batches: list[Batch], count: int) -> list[Batch]:
    """Split the batches with the most rows in two until there are `count`.

    Raises:
        ValueError: there are fewer rows than batches wanted.
    """
    batches = [[list(part) for part in batch] for batch in batches]
    while len(batches) < count:
        fullest = max(range(len(batches)), key=lambda index: sum(map(len, batches[index])))
        rows = [row for part in batches[fullest] for row in part]
        if len(rows) < 2:
            raise ValueError(f"{count} batches wanted of {len(batches)} rows; use fewer ranks for so small a set.")
        half = len(rows) // 2
        batches[fullest : fullest + 1] = [[rows[:half]], [rows[half:]]]
    return batches
