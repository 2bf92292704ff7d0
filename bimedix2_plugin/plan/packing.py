"""The batches of one epoch, made by the training sampler from row lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.vision_language.descriptor import Encoded
from bimedix2_plugin.plan.row_lengths import Rows

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault


@dataclass(frozen=True)
class Batches:
    """N batches of the sampled rows; a batch is one forward pass of one GPU.

    Attributes:
        rows, tokens, labels: float64 [N].
        images: float64 [N, 5], the sizes of a batch's images in `Encoded`'s order; the collator adds a blank image to a
            batch without images.
        sum_sq_len: float64 [N] sum of the squared lengths of a batch's documents.
        fill: used share of the packs' positions; None without packing.
        epoch: batches of the whole dataset in an epoch, over all GPUs.
    """

    rows: np.ndarray
    tokens: np.ndarray
    labels: np.ndarray
    images: np.ndarray
    sum_sq_len: np.ndarray
    fill: float | None
    epoch: int


def make_batches(rows: Rows, cfg: DictDefault, gpus: int, blank: Encoded) -> Batches:
    """Batch a recipe's rows.

    Args:
        rows: lengths.
        cfg: the recipe.
        gpus: data-parallel ranks.
        blank: sizes of the image that a batch without images gets.

    Raises:
        RecipeError: there are fewer rows than GPUs.
    """
    numbers = _packs(rows, cfg, gpus) if cfg.sample_packing else _groups(len(rows.tokens), cfg)
    used = [np.array(batch) for batch in numbers]
    images = np.array([rows.encoded[batch].sum(0) for batch in used], dtype=float)
    without = images[:, 0] == 0
    added = np.where(without, blank.placeholders, 0)
    tokens = np.array([rows.tokens[batch].sum() for batch in used], dtype=float)
    capacity = cfg.sequence_len * _batch_size(cfg)
    return Batches(
        rows=np.array([len(batch) for batch in used], dtype=float),
        tokens=tokens + added,
        labels=np.array([rows.labels[batch].sum() for batch in used], dtype=float),
        images=np.where(without[:, None], np.array(blank), images),
        sum_sq_len=np.array([np.square(rows.tokens[batch], dtype=float).sum() for batch in used]) + added**2.0,
        fill=float(tokens.sum() / (len(used) * capacity)) if cfg.sample_packing else None,
        epoch=math.ceil(len(used) * rows.scale),
    )


def steps(cfg: DictDefault, batches: Batches, gpus: int) -> int:
    """Return the optimizer's steps of a run, as the trainer counts them."""
    if cfg.max_steps and cfg.max_steps > 0:
        return int(cfg.max_steps)
    each = math.ceil(batches.epoch / gpus)
    return math.ceil(math.ceil(each / accumulation(cfg)) * (cfg.num_epochs or 1))


def accumulation(cfg: DictDefault) -> int:
    """Return the number of batches that one GPU accumulates in a step."""
    return int(cfg.gradient_accumulation_steps or 1)


def _packs(rows: Rows, cfg: DictDefault, gpus: int) -> list[list[int]]:
    from axolotl.utils.samplers import MultipackBatchSampler
    from torch.utils.data import RandomSampler

    from bimedix2_plugin.data.sampler import WholeEpochSampler

    sampler = MultipackBatchSampler(
        RandomSampler(range(len(rows.tokens))),
        batch_size=1,
        batch_max_len=cfg.sequence_len * _batch_size(cfg),
        lengths=rows.tokens,
        label_counts=rows.labels if cfg.balance_labels else None,
        bin_size=cfg.sample_packing_bin_size or 200,
        group_size=cfg.sample_packing_group_size or 100_000,
        seed=cfg.seed or 42,
        dp_count=gpus,
        batches_per_optimizer_step=gpus * accumulation(cfg),
        drop_last=False,
        num_processes=1,
    )
    try:
        whole = WholeEpochSampler.of(sampler, math.ceil(cfg.num_epochs or 1))
        return [[row for part in batch for row in part] for batch in whole]
    except ValueError as error:
        raise RecipeError(f"--gpus: {error}") from error


def _groups(count: int, cfg: DictDefault) -> list[list[int]]:
    size, order = _batch_size(cfg), np.random.default_rng(0).permutation(count)
    return [order[start : start + size].tolist() for start in range(0, count, size)]


def _batch_size(cfg: DictDefault) -> int:
    return int(cfg.micro_batch_size or 1)
