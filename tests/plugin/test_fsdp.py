"""The precision of FSDP2's gradients and loss."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from accelerate.utils import FullyShardedDataParallelPlugin
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
