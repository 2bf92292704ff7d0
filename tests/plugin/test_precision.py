"""bf16 trains on a processor too: the frozen parts in bf16, what is trained in float32."""

from __future__ import annotations

import math

import torch

from tests.helpers import runs, tiny_data


def test_aligns_in_bf16_with_a_float32_projector(work):
    """A bf16 weight would swallow half of the recipes' steps."""
    tiny_data.captions("data", "captions")
    entry = runs.RECIPE["datasets"][0] | {"path": "./captions"}
    trainer = runs.train(**runs.ALIGN, datasets=[entry], bf16=True, max_steps=2)
    assert {p.dtype for p in trainer.model.parameters() if p.requires_grad} == {torch.float32}
    layer = trainer.model.model.language_model.layers[0]
    assert layer.self_attn.q_proj.weight.dtype == torch.bfloat16


def test_trains_in_bf16(work):
    trainer = runs.train(max_steps=2, bf16=True)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters() if p.requires_grad)
    frozen = next(p for n, p in trainer.model.named_parameters() if n.endswith("q_proj.base_layer.weight"))
    assert frozen.dtype == torch.bfloat16
