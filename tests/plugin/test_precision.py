"""bf16 trains on a processor too, and a 4-bit base takes the LoRA."""

from __future__ import annotations

import math

import pytest
import runs
import tiny_data
import torch


def test_aligns_in_bf16_with_a_float32_projector(work):
    """A bf16 weight would swallow half of the recipes' steps."""
    tiny_data.captions("data", "captions")
    entry = runs.RECIPE["datasets"][0] | {"path": "./captions"}
    trainer = runs.train(**runs.ALIGN, datasets=[entry], bf16=True, max_steps=2)
    assert {p.dtype for p in trainer.model.parameters() if p.requires_grad} == {torch.float32}
    layer = trainer.model.model.language_model.layers[0]
    assert layer.self_attn.q_proj.weight.dtype == torch.bfloat16


@pytest.mark.parametrize("changes", [{"bf16": True}, {"adapter": "qlora", "load_in_4bit": True}], ids=["bf16", "4 bit"])
def test_trains_on_the_processor(work, changes):
    trainer = runs.train(max_steps=2, **changes)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters() if p.requires_grad)
    frozen = next(p for n, p in trainer.model.named_parameters() if n.endswith("q_proj.base_layer.weight"))
    assert frozen.dtype == (torch.bfloat16 if "bf16" in changes else torch.uint8)
