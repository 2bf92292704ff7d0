"""QLoRA on the CPU: the language model's linear layers in 4 bits, tower and projector as they are."""

from __future__ import annotations

import math

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Params4bit

from bimedix2_plugin.model.vision_language.registry import is_projector
from tests.helpers import quick

QLORA = {"adapter": "qlora", "load_in_4bit": True, "lora_dropout": 0.05}


@pytest.fixture(scope="module")
def trainer(workshop):
    """A tiny model after two steps in 4 bits."""
    return quick.train(**QLORA, max_steps=2)


def test_only_the_language_models_linear_layers_are_quantised(trainer):
    quantised = {name for name, module in trainer.model.named_modules() if isinstance(module, Linear4bit)}
    assert len(quantised) == 2 * 7, "two layers of seven linear modules"
    assert all(".language_model.layers." in name for name in quantised)
    packed = {name for name, p in trainer.model.named_parameters() if isinstance(p, Params4bit)}
    assert len(packed) == len(quantised) and all(".language_model.layers." in name for name in packed)


def test_the_projector_keeps_its_shapes_and_is_trained_in_float32(trainer):
    projector = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad and is_projector(n)}
    shapes = {name.split(".default.")[-1]: tuple(p.shape) for name, p in projector.items()}
    assert shapes == {
        "linear_1.weight": (64, 32),
        "linear_1.bias": (64,),
        "linear_2.weight": (64, 64),
        "linear_2.bias": (64,),
    }
    assert {p.dtype for p in projector.values()} == {torch.float32}


def test_a_step_has_a_loss_and_gradients_for_all_that_is_trained(trainer):
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.model.zero_grad()
    trainer.compute_loss(trainer.model.train(), dict(batch)).backward()
    trained = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}
    assert sum(map(is_projector, trained)) == 4
    silent = {n for n, p in trained.items() if p.grad is None or not p.grad.abs().sum() > 0}
    assert not silent
