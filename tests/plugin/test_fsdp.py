"""The precision of FSDP2's gradients and loss, and the checkpointing that Axolotl has it do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from accelerate.utils import FullyShardedDataParallelPlugin
from axolotl.monkeypatch.accelerate.fsdp2 import fsdp2_apply_ac
from torch.distributed.fsdp import MixedPrecisionPolicy

from bimedix2_plugin.training.fsdp import reduce_in_float32


def _accelerator(precision):
    """The part of accelerate's `Accelerator` that is read, with accelerate's own FSDP2 plugin."""
    plugin = FullyShardedDataParallelPlugin(fsdp_version=2)
    if precision != "no":
        plugin.set_mixed_precision(precision)
    return SimpleNamespace(state=SimpleNamespace(fsdp_plugin=plugin))


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_gradients_are_summed_in_float32_and_the_loss_is_not_rounded(precision, dtype):
    accelerator = _accelerator(precision)
    assert accelerator.state.fsdp_plugin.mixed_precision_policy.reduce_dtype == dtype
    reduce_in_float32(accelerator)
    policy = accelerator.state.fsdp_plugin.mixed_precision_policy
    assert policy == MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32, output_dtype=None)


@pytest.mark.parametrize(
    "accelerator", [_accelerator("no"), SimpleNamespace(state=SimpleNamespace())], ids=["float32", "ddp"]
)
def test_a_run_without_a_policy_is_left_alone(accelerator):
    reduce_in_float32(accelerator)
    plugin = getattr(accelerator.state, "fsdp_plugin", None)
    assert plugin is None or plugin.mixed_precision_policy is None


class Layer(torch.nn.Sequential):
    """A layer with dropout, to be recomputed."""


@pytest.mark.parametrize("recomputed", [False, True])
def test_a_recomputed_layer_drops_what_it_dropped(recomputed):
    """accelerate's own wrapper does not restore the random state: its gradients would be those of other masks."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(Layer(torch.nn.Linear(64, 64), torch.nn.Dropout(0.5)))
    if recomputed:
        plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2, auto_wrap_policy="TRANSFORMER_BASED_WRAP", transformer_cls_names_to_wrap=["Layer"]
        )
        plugin.set_auto_wrap_policy(model)
        model = fsdp2_apply_ac(SimpleNamespace(state=SimpleNamespace(fsdp_plugin=plugin)), model)
        assert type(model[0]).__name__ == "CheckpointWrapper"
    output = model(torch.ones(1, 64))
    output.sum().backward()
    gradient = next(model.parameters()).grad
    assert torch.equal(gradient.sum(1) != 0, output[0] != 0)
