"""Planned communication against hand-computed examples, and against the collectives that FSDP2 starts."""

from __future__ import annotations

import functools

import pytest
import torch
import torch.distributed as dist
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.fsdp._fully_shard import _fsdp_param_group
from torch.testing._internal.distributed.fake_pg import FakeStore

from bimedix2_plugin.plan import memory
from bimedix2_plugin.plan.communication import INTERCONNECTS, REACHED, Traffic, step_traffic
from bimedix2_plugin.plan.parameters import PROJECTOR, count
from tests.helpers import planned

FSDP = {"fsdp_version": 2, "reshard_after_forward": True}
CHECKPOINTING = {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": False}}
WAYS = {
    "nothing recomputed": {"fsdp_config": FSDP},
    "fsdp's checkpointing": {"fsdp_config": FSDP | {"activation_checkpointing": True}},
    "transformers' checkpointing": {"fsdp_config": FSDP} | CHECKPOINTING,
    "reentrant": {"fsdp_config": FSDP} | CHECKPOINTING | {"gradient_checkpointing_kwargs": {"use_reentrant": True}},
    "kept after the forward pass": {"fsdp_config": FSDP | {"reshard_after_forward": False}},
}


def _mode(name):
    return next(mode for mode in memory.MODES if mode.name == name)


@functools.cache
def _parameters():
    return count(planned.config(), planned.recipe(**planned.LORA))


def _traffic(name, gpus, batches=1, **keys):
    cfg, parameters = planned.recipe(**planned.LORA | keys), _parameters()
    return step_traffic(parameters, cfg, _mode(name), gpus=gpus, batches=batches), parameters


def test_ddp_sends_each_gradient_twice_but_for_its_own_part():
    """A ring's all-reduce over 4 GPUs: 2 x 3/4 of the float32 gradients, once in a step of 3 batches."""
    traffic, parameters = _traffic("ddp", 4, batches=3, bf16=True)
    assert traffic == Traffic(0, 2 * 3 / 4 * 4 * parameters.trained)


def test_fsdp2_gathers_all_weights_twice_for_each_batch_and_sums_gradients_once():
    traffic, parameters = _traffic("fsdp2", 8, batches=3, bf16=True, **WAYS["nothing recomputed"])
    weights = sum(parameters.parts.values()) + parameters.parts[PROJECTOR]  # PEFT's frozen copy of the projector
    assert traffic.weights == pytest.approx(7 / 8 * 2 * weights * 2 * 3)
    assert traffic.gradients == pytest.approx(7 / 8 * 4 * parameters.trained)


def test_zero_sums_the_gradients_of_every_batch():
    (two, parameters), (three, _) = (_traffic(name, 2, batches=3, bf16=True) for name in ("zero2", "zero3"))
    assert two == Traffic(1 / 2 * 2 * parameters.trained, 1 / 2 * 4 * parameters.trained * 3)
    assert three.gradients == two.gradients
    again, _ = _traffic("zero3", 2, batches=3, bf16=True, **CHECKPOINTING)
    assert again.weights == pytest.approx(3 / 2 * three.weights)


@pytest.mark.parametrize("name", ["ddp", "zero2", "zero3", "fsdp2"])
def test_one_gpu_sends_nothing(name):
    assert _traffic(name, 1)[0].total == 0


def test_seconds_by_hand():
    """90 GB over half of NVLink's 900 GB/s, of which 80% are reached: a quarter of a second."""
    assert REACHED == 0.8 and Traffic(80e9, 10e9).seconds("nvlink-h100") == pytest.approx(0.25)


@settings(max_examples=20, deadline=None)
@given(batches=st.integers(1, 16), more=st.integers(1, 16), gpus=st.integers(1, 64))
@pytest.mark.parametrize("name", ["ddp", "zero2", "zero3", "fsdp2", "qlora"])
def test_more_batches_in_a_step_never_send_more_for_each(name, batches, more, gpus):
    few, many = (_traffic(name, gpus, batches=number)[0].total for number in (batches, batches + more))
    assert many / (batches + more) <= few / batches * (1 + 1e-9)


def test_each_gpu_names_a_known_interconnect():
    assert {gpu.link for gpu in memory.GPUS.values()} <= INTERCONNECTS.keys()


@pytest.fixture
def eight(monkeypatch):
    """Eight ranks of which seven do not exist, and what FSDP2 gathers and sums on the first: bytes by collective."""
    sent = {"gathered": 0, "summed": 0}
    gather, reduce = _fsdp_param_group.foreach_all_gather, _fsdp_param_group.foreach_reduce

    def gathers(parameters, *arguments, **named):
        sent["gathered"] += sum(2 * parameter._orig_size.numel() for parameter in parameters)
        assert {parameter.param_dtype or parameter.orig_dtype for parameter in parameters} == {torch.bfloat16}
        return gather(parameters, *arguments, **named)

    def reduces(parameters, gradients, *arguments, **named):
        sent["summed"] += sum(4 * gradient.numel() for gradient in gradients)
        assert {parameter.reduce_dtype for parameter in parameters} == {torch.float32}
        return reduce(parameters, gradients, *arguments, **named)

    monkeypatch.setattr(_fsdp_param_group, "foreach_all_gather", gathers)
    monkeypatch.setattr(_fsdp_param_group, "foreach_reduce", reduces)
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=8)
    yield sent
    dist.destroy_process_group()


@pytest.mark.parametrize("way", WAYS)
def test_fsdp2_gathers_and_sums_as_planned(eight, way):
    """The second of two batches, with torch's own FSDP2 and the gradients' synchronisation in the last batch alone."""
    cfg = planned.recipe(**planned.LORA | {"bf16": True} | WAYS[way])
    model, batch = planned.model(cfg), planned.pack()
    fsdp = cfg.fsdp_config
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    sharding = {
        "mesh": init_device_mesh("cpu", (8,)),
        "reshard_after_forward": fsdp.reshard_after_forward,
        "mp_policy": policy,
    }
    layers = model.get_base_model().model.language_model.layers
    for number, layer in enumerate(layers):
        fully_shard(layer, **sharding)
        if fsdp.activation_checkpointing:
            layers[number] = checkpoint_wrapper(layer)
    fully_shard(model, **sharding)
    for last in (False, True):
        model.set_requires_gradient_sync(last)
        model(**batch, use_cache=False).loss.backward()
    made = step_traffic(_parameters(), cfg, _mode("fsdp2"), gpus=8, batches=2)
    assert eight["gathered"] * 7 / 8 == pytest.approx(made.weights, rel=1e-3)
    assert eight["summed"] * 7 / 8 == pytest.approx(made.gradients, rel=1e-3)
