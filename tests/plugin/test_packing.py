"""A packed batch gives each document the loss and the gradients that it has alone, in Axolotl's real trainer."""

from __future__ import annotations

import pytest
import runs
import torch

TOLERANCE = 1e-4


def _documents(pack):
    """Split a pack where positions restart."""
    starts = torch.nonzero(pack["position_ids"][0] == 0).flatten().tolist()
    return list(zip(starts, [*starts[1:], pack["input_ids"].shape[1]], strict=True))


def _rows_of(pack, dataset):
    """Find the rows of the prepared set that a pack holds."""
    by_ids = {tuple(row["input_ids"]): row for row in dataset}
    return [by_ids[tuple(pack["input_ids"][0, start:end].tolist())] for start, end in _documents(pack)]


def _step(trainer, batches, items):
    """Run training steps over batches; return the summed loss and the gradients by name."""
    trainer.model.zero_grad()
    loss = 0.0
    for batch in batches:
        loss += float(trainer.training_step(trainer.model, dict(batch), num_items_in_batch=items))
    gradients = {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.requires_grad}
    return loss, gradients


def _difference(first, second):
    """Largest relative difference of loss and of gradients, each gradient against its own size."""
    loss = abs(first[0] - second[0]) / abs(second[0])
    sizes = max(float(g.norm()) for g in second[1].values())
    worst = max(float((first[1][n] - g).norm()) / max(float(g.norm()), 1e-3 * sizes) for n, g in second[1].items())
    return max(loss, worst)


def _trained_lora(trainer):
    """Move the LoRA off its zero start, where half of the gradients vanish."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator)


def _packed_and_alone(trainer):
    _trained_lora(trainer)
    trainer.model.train()
    packs = [pack for pack in trainer.get_train_dataloader() if len(_documents(pack)) > 2]
    pack = max(packs, key=lambda pack: len(_documents(pack)))
    rows = _rows_of(pack, trainer.train_dataset)
    assert any(row["images"] for row in rows) and any(not row["images"] for row in rows)
    items = sum(label != -100 for row in rows for label in row["labels"])
    alone = [trainer.data_collator([row]) for row in rows]
    return pack, _step(trainer, alone, items), items


@pytest.mark.parametrize(
    "attention",
    [
        {"attn_implementation": "sdpa"},
        {"attn_implementation": "sdpa", "document_attention": False},
        {"attn_implementation": "eager"},
        pytest.param({"attn_implementation": "flash_attention_2", "bf16": True}, marks=pytest.mark.gpu),
        pytest.param({"attn_implementation": "sdpa", "sdpa_varlen": True, "bf16": True}, marks=pytest.mark.gpu),
    ],
    ids=["sdpa by document", "sdpa", "eager", "flash", "sdpa varlen"],
)
def test_packed_equals_unpacked(work, attention):
    trainer = runs.trainer(runs.configuration(**attention))
    pack, alone, items = _packed_and_alone(trainer)
    packed = _step(trainer, [pack], items)
    assert _difference(packed, alone) < (0.05 if attention.get("bf16") else TOLERANCE)


@pytest.mark.parametrize("leak", ["mask", "positions"])
def test_a_leak_is_caught(work, leak):
    """With an attention mask, or positions that do not restart, documents see each other."""
    trainer = runs.trainer(runs.configuration(document_attention=False))
    pack, alone, items = _packed_and_alone(trainer)
    if leak == "mask":
        pack["attention_mask"] = torch.ones_like(pack["input_ids"])
    else:
        pack["position_ids"] = torch.arange(pack["input_ids"].shape[1])[None]
    assert _difference(_step(trainer, [pack], items), alone) > 10 * TOLERANCE


def test_a_pack_of_text_runs_the_vision_path(work):
    """Every trainable tensor has a gradient, the projector's exactly zero, so that no rank waits for another."""
    trainer = runs.trainer(runs.configuration())
    _trained_lora(trainer)
    text = [row for row in trainer.train_dataset if not row["images"]][:2]
    items = sum(label != -100 for row in text for label in row["labels"])
    _, gradients = _step(trainer, [trainer.data_collator(text)], items)
    projector = [g for n, g in gradients.items() if "multi_modal_projector" in n]
    assert len(projector) == 4 and all(float(g.abs().max()) == 0 for g in projector)
    assert all(float(g.abs().max()) > 0 for n, g in gradients.items() if "lora_B" in n)
