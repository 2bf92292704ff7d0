"""A pack beside its documents one by one, in Axolotl's real trainer: losses, gradients and their difference."""

from __future__ import annotations

from typing import Any

import torch


def documents(pack: dict[str, Any]) -> list[tuple[int, int]]:
    """Split a pack where positions restart."""
    starts = torch.nonzero(pack["position_ids"][0] == 0).flatten().tolist()
    return list(zip(starts, [*starts[1:], pack["input_ids"].shape[1]], strict=True))


def rows_of(pack: dict[str, Any], dataset: Any) -> list[dict[str, Any]]:
    """Find the rows of the prepared set that a pack holds."""
    by_ids = {tuple(row["input_ids"]): row for row in dataset}
    return [by_ids[tuple(pack["input_ids"][0, start:end].tolist())] for start, end in documents(pack)]


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


def packed_and_alone(trainer: Any) -> tuple[dict[str, Any], tuple[float, dict[str, torch.Tensor]], int]:
    """Return the fullest pack, its rows' losses and gradients one by one, and their labelled tokens."""
    trainer.model.train()
    packs = [pack for pack in trainer.get_train_dataloader() if len(documents(pack)) > 2]
    pack = max(packs, key=lambda pack: len(documents(pack)))
    rows = rows_of(pack, trainer.train_dataset)
    assert any(row["images"] for row in rows) and any(not row["images"] for row in rows)
    items = sum(label != -100 for row in rows for label in row["labels"])
    alone = [trainer.data_collator([row]) for row in rows]
    return pack, step(trainer, alone, items), items
