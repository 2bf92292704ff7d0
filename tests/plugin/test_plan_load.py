"""Planned operations and memory against torch's own counters, on tiny runs of each kind."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bimedix2_plugin.plan import memory
from bimedix2_plugin.plan.activations import saved
from bimedix2_plugin.plan.flops import batch_operations
from bimedix2_plugin.plan.parameters import TOWER, count
from tests.helpers import planned

RUNS = {
    "lora and projector": planned.LORA,
    "align": planned.ALIGN,
    "align, checkpointing": planned.ALIGN | {"gradient_checkpointing": True},
    "lora, checkpointing": planned.LORA | {"gradient_checkpointing": True},
    "lora, bf16, dropout, checkpointing": planned.LORA
    | {"gradient_checkpointing": True, "bf16": True, "lora_dropout": 0.05},
}
TOWER_PARTS = {"embeddings", "encoder.layers.0", "encoder.layers.1", "encoder.layers.2"}
SDPA = planned.LORA | {"attn_implementation": "sdpa"}


@pytest.fixture(scope="module", params=RUNS)
def run(request):
    """The recipe, its model after one measured step, and that step's operations."""
    torch.manual_seed(0)
    cfg = planned.recipe(**RUNS[request.param])
    model, batch = planned.model(cfg), planned.pack()
    with FlopCounterMode(display=False) as counter:
        planned.step(model, cfg, batch)
    return cfg, model, batch, counter


def test_operations_are_those_that_torch_counts(run):
    cfg, _, _, counter = run
    plan = batch_operations(count(planned.config(), cfg), cfg, planned.LOAD)
    assert sum(part.total for part in plan.values()) == pytest.approx(counter.get_total_flops(), rel=0.05)


def test_the_towers_share_is_what_torch_counts(run):
    """Too small a part of all to be seen in the sum, it tells whether gradients flow through the frozen tower."""
    cfg, _, _, counter = run
    counts = counter.get_flop_counts()
    names = [name for name in counts if name.split("vision_tower.")[-1] in TOWER_PARTS or name == "CLIPEncoderLayer"]
    measured = sum(sum(counts[name].values()) for name in names)
    planned_tower = batch_operations(count(planned.config(), cfg), cfg, planned.LOAD)[TOWER]
    assert planned_tower.total == pytest.approx(measured, rel=0.1)


def test_trainable_parameters_are_those_of_the_model(run):
    cfg, model, _, _ = run
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert count(planned.config(), cfg).trained == trained


def _planned_bytes(cfg):
    parameters = count(planned.config(), cfg)
    kept = saved(parameters, cfg, planned.LOAD, device="cpu")
    parts = memory.per_gpu(parameters, cfg, memory.recipe_mode(cfg), gpus=1, load=planned.LOAD, kept=kept)
    return sum(parts.values()) - memory.RESERVE


def test_memory_is_what_torch_tracks(run):
    cfg, model, batch, _ = run
    assert _planned_bytes(cfg) == pytest.approx(planned.peak(model, cfg, batch), rel=0.15)


def test_memory_with_sdpa_is_what_torch_tracks():
    cfg = planned.recipe(**SDPA)
    assert _planned_bytes(cfg) == pytest.approx(planned.peak(planned.model(cfg), cfg, planned.pack()), rel=0.15)


def test_flash_attention_is_counted_by_document_and_half():
    parameters = count(planned.config(), planned.recipe(**planned.LORA))
    work = {
        kind: batch_operations(parameters, planned.recipe(**planned.LORA | {"attn_implementation": kind}), planned.LOAD)
        for kind in ("eager", "flash_attention_2")
    }
    less = sum(part.forward for part in work["eager"].values()) - sum(
        part.forward for part in work["flash_attention_2"].values()
    )
    assert less == 4 * 192 * 3 * (planned.LOAD.tokens**2 - planned.LOAD.sum_sq_len / 2)


def _parts(name, gpus, **keys):
    cfg = planned.recipe(**planned.LORA, **keys)
    parameters = count(planned.config(), cfg)
    kept = saved(parameters, cfg, planned.LOAD)
    mode = next(mode for mode in memory.MODES if mode.name == name)
    return memory.per_gpu(parameters, cfg, mode, gpus=gpus, load=planned.LOAD, kept=kept), parameters


def test_what_each_way_shares_out():
    """arXiv 1910.02054, table 1: optimizer state, then gradients, then weights."""
    (ddp, parameters), (zero2, _), (zero3, _) = (_parts(name, 4) for name in ("ddp", "zero2", "zero3"))
    assert ddp["optimizer state"] == 8 * parameters.trained and ddp["gradients"] == 4 * parameters.trained
    assert zero2["optimizer state"] == ddp["optimizer state"] / 4 and zero2["gradients"] == ddp["gradients"] / 4
    assert zero2["frozen weights"] == ddp["frozen weights"] == 4 * zero3["frozen weights"]
    assert zero3["weights gathered for use"] > 0 == zero2["weights gathered for use"]


def test_four_bits_for_the_language_models_linear_layers_alone():
    (qlora, parameters), (ddp, _) = _parts("qlora", 1, bf16=True), _parts("ddp", 1, bf16=True)
    linear = sum(layer.weights for layer in parameters.linears if "language_model" in layer.name)
    assert ddp["frozen weights"] - qlora["frozen weights"] == pytest.approx(linear * (2 - 0.5 - 0.127 / 8))


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({}, "ddp"),
        ({"deepspeed": "deepspeed_configs/zero2.json"}, "zero2"),
        ({"deepspeed": "deepspeed_configs/zero3_bf16.json"}, "zero3"),
        ({"fsdp_config": {"fsdp_version": 2}}, "fsdp2"),
        ({"load_in_4bit": True}, "qlora"),
        ({"load_in_4bit": True, "fsdp_config": {"fsdp_version": 2}}, "qlora+fsdp2"),
    ],
)
def test_a_recipes_own_way(keys, name):
    assert memory.recipe_mode(planned.recipe(**keys)).name == name
