"""A packed batch gives each document the loss and the gradients that it has alone, in Axolotl's real trainer."""

from __future__ import annotations

import pytest
import torch

from tests.helpers import runs
from tests.helpers.packs import difference, packed_and_alone, step

TOLERANCE = 1e-4


def _trained_lora(trainer):
    """Move the LoRA off its zero start, where half of the gradients vanish."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in trainer.model.named_parameters():
        if "lora_B" in name:
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator)


def _packed_and_alone(trainer):
    _trained_lora(trainer)
    return packed_and_alone(trainer)


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
    packed = step(trainer, [pack], items)
    assert difference(packed, alone) < (0.05 if attention.get("bf16") else TOLERANCE)


@pytest.mark.parametrize("leak", ["mask", "positions"])
def test_a_leak_is_caught(work, leak):
    """With an attention mask, or positions that do not restart, documents see each other."""
    trainer = runs.trainer(runs.configuration(document_attention=False))
    pack, alone, items = _packed_and_alone(trainer)
    if leak == "mask":
        pack["attention_mask"] = torch.ones_like(pack["input_ids"])
    else:
        pack["position_ids"] = torch.arange(pack["input_ids"].shape[1])[None]
    assert difference(step(trainer, [pack], items), alone) > 10 * TOLERANCE


def test_a_pack_of_text_runs_the_vision_path(work):
    """Every trainable tensor has a gradient, the projector's exactly zero, so that no rank waits for another."""
    trainer = runs.trainer(runs.configuration())
    _trained_lora(trainer)
    text = [row for row in trainer.train_dataset if not row["images"]][:2]
    items = sum(label != -100 for row in text for label in row["labels"])
    _, gradients = step(trainer, [trainer.data_collator(text)], items)
    projector = [g for n, g in gradients.items() if "multi_modal_projector" in n]
    assert len(projector) == 4 and all(float(g.abs().max()) == 0 for g in projector)
    assert all(float(g.abs().max()) > 0 for n, g in gradients.items() if "lora_B" in n)
