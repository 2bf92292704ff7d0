"""bf16 trains on a processor too, and a 4-bit base takes the LoRA."""

from __future__ import annotations

import math

import pytest
import runs
import torch


@pytest.mark.parametrize("changes", [{"bf16": True}, {"adapter": "qlora", "load_in_4bit": True}], ids=["bf16", "4 bit"])
def test_trains_on_the_processor(work, changes):
    trainer = runs.train(max_steps=2, **changes)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    frozen = next(p for n, p in trainer.model.named_parameters() if n.endswith("q_proj.base_layer.weight"))
    assert frozen.dtype == (torch.bfloat16 if "bf16" in changes else torch.uint8)
