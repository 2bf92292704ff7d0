"""Compare a pack with its documents one by one in Axolotl's real trainer: losses and gradients."""

from __future__ import annotations

from typing import Any

import torch


def step(trainer: Any, batches: list[Any], items: int) -> tuple[float, dict[str, torch.Tensor]]:
    """Run training steps over batches; return the summed loss and the gradients by name."""
    trainer.model.zero_grad()
    loss = 0.0
    for batch in batches:
        loss += float(trainer.training_step(trainer.model, dict(batch), num_items_in_batch=items))
    gradients = {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.requires_grad}
    return loss, gradients


def difference(first: Any, second: Any) -> float:
    """Largest relative difference of loss and of gradients, each gradient against its own size."""
    loss = abs(first[0] - second[0]) / abs(second[0])
    sizes = max(float(g.norm()) for g in second[1].values())
    worst = max(float((first[1][n] - g).norm()) / max(float(g.norm()), 1e-3 * sizes) for n, g in second[1].items())
    return max(loss, worst)


def fullest_pack(trainer: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows and the collated pack of the pack with the most rows, among those with and without images."""
    loader = trainer.get_train_dataloader()
    packs = []
    for batch, pack in zip(loader.batch_sampler, loader, strict=True):
        rows = [trainer.train_dataset[row] for part in batch for row in part]
        if len({bool(row["images"]) for row in rows}) == 2:
            packs.append((rows, pack))
    return max(packs, key=lambda pair: len(pair[0]))


def packed_and_alone(trainer: Any) -> tuple[dict[str, Any], tuple[float, dict[str, torch.Tensor]], int]:
    """Return the fullest pack, its rows' losses and gradients one by one, and their labelled tokens."""
    trainer.model.train()
    rows, pack = fullest_pack(trainer)
    items = sum(label != -100 for row in rows for label in row["labels"])
    alone = [trainer.data_collator([row]) for row in rows]
    return pack, step(trainer, alone, items), items
