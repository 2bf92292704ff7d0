"""Axolotl's real trainer on two ranks, under DDP and FSDP2, in float32 and bf16: losses, saved files, resuming.

Under FSDP2 the layers are recomputed by FSDP's own checkpointing, as in the 70B recipes, under DDP they are not.
"""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.fsdp import MixedPrecisionPolicy

from bimedix2_plugin.rehearse import ranks
from tests.helpers import quick, ranks_jobs, runs, tiny_data

pytestmark = pytest.mark.slow

STEPS = {
    **quick.IN_PROCESS,
    "sequence_len": 256,
    "num_epochs": 2,
    "save_strategy": "steps",
    "save_steps": 2,
    "save_total_limit": 9,
}
FSDP = ranks.FSDP | {"activation_checkpointing": True}
IN_PARTS = {"fsdp_config": FSDP | {"state_dict_type": "SHARDED_STATE_DICT"}}
WHOLE = {"fsdp_config": FSDP | {"state_dict_type": "FULL_STATE_DICT"}}
BF16 = {"bf16": True, "max_steps": 4}
CAPTIONS = {**runs.ALIGN, "datasets": [runs.RECIPE["datasets"][0] | {"path": "./captions"}], "num_epochs": 4}
RESUMED = {"auto_resume_from_checkpoints": True}


@pytest.fixture(scope="module")
def place(workshop):
    tiny_data.captions("data", "captions")
    return workshop


def _train(place, name, **changes):
    """Train on two ranks; return the losses, which must be equal on both."""
    losses = ranks.run(ranks_jobs.train, STEPS | changes | {"output_dir": f"./{name}"}, folder=place, seconds=1500)
    assert losses[0] == losses[1] and (place / name / "finished.json").is_file()
    return losses[0]


def _same(first, second):
    assert first.keys() == second.keys()
    for name, value in second.items():
        assert float((first[name].float() - value.float()).norm()) <= 1e-4 * float(value.float().norm()), name


@pytest.fixture(scope="module")
def instruct(place):
    return _train(place, "fsdp", **IN_PARTS)


@pytest.fixture(scope="module")
def align(place):
    return _train(place, "align_fsdp", **CAPTIONS, **WHOLE)


def test_fsdp2_is_ddp_and_saves_the_lora_with_the_whole_projector(place, instruct):
    assert instruct == pytest.approx(_train(place, "ddp"), rel=1e-5)
    _same(load_file(place / "fsdp/adapter_model.safetensors"), load_file(place / "ddp/adapter_model.safetensors"))


def test_a_labelled_token_weighs_the_same_on_every_rank(place, instruct):
    """Two ranks equal one with twice the accumulation; by default a rank with few labels would weigh as much."""
    alone = runs.train(**STEPS | {"gradient_accumulation_steps": 2, "output_dir": "./alone"})
    losses = {entry["step"]: entry["loss"] for entry in alone.state.log_history if "loss" in entry}
    assert losses == pytest.approx(instruct, rel=1e-5)


def test_align_saves_the_projector_alone_and_as_ddp_does(place, align):
    assert align == pytest.approx(_train(place, "align_ddp", **CAPTIONS), rel=1e-5)
    _same(load_file(place / "align_fsdp/projector.safetensors"), load_file(place / "align_ddp/projector.safetensors"))
    folders = [place / "align_fsdp", *(place / "align_fsdp").glob("checkpoint-*")]
    assert len(folders) > 2
    for folder in folders:
        large = {file.name for file in folder.rglob("*") if file.is_file() and file.stat().st_size > 20_000}
        assert large <= {"projector.safetensors", "optimizer.pt", "tokenizer.json", "debug.log"}
    state = torch.load(folders[-1] / "optimizer.pt", weights_only=True)["state"]
    assert len(state) == 4


def test_ranks_would_fail_or_hang_without_an_image_for_text(place):
    with pytest.raises(ranks.RankError, match=r"Expected to have finished reduction|[Tt]imed out"):
        ranks.run(ranks_jobs.text_without_image, {"sequence_len": 256}, folder=place, seconds=900)


RUNS = {
    "instruct": ({}, IN_PARTS, "adapter_model.safetensors"),
    "align": (CAPTIONS, WHOLE, "projector.safetensors"),
}


@pytest.fixture(scope="module", params=RUNS)
def in_bf16(request, place):
    """A stage's name, and what both ranks found under FSDP2 and DDP."""
    recipe, sharding, _ = RUNS[request.param]
    made = {
        f"{request.param}_{name}": STEPS | recipe | more | BF16 | {"output_dir": f"./{request.param}_{name}"}
        for name, more in (("fsdp_bf16", sharding), ("ddp_bf16", {}))
    }
    found = [ranks.run(ranks_jobs.inspect, changes, folder=place, seconds=1500) for changes in made.values()]
    return request.param, *found


def test_in_bf16_what_trains_is_in_float32_and_gradients_are_summed_in_it(in_bf16):
    _, fsdp, ddp = in_bf16
    for rank in (*fsdp, *ddp):
        assert rank["trained"] == rank["optimizer"] == {torch.float32}
        assert torch.bfloat16 in rank["frozen"]
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, output_dtype=None)
    assert fsdp[0]["policies"] == fsdp[1]["policies"] == {policy} and not ddp[0]["policies"]


def test_in_bf16_fsdp2_is_ddp(place, in_bf16):
    """Without dropout, whose masks depend on the type of its input: bf16 under FSDP2, float32 under DDP.

    A saved tensor may differ by 1e-4: gradients summed in bf16 moved the LoRA by up to 2e-3 in eight steps, and the
    bf16 arithmetic itself moves it by up to 6e-2 from float32.
    """
    stage, fsdp, ddp = in_bf16
    assert fsdp[0]["losses"] == pytest.approx(ddp[0]["losses"], rel=1e-5)
    assert any(float(torch.tensor(loss).bfloat16()) != loss for loss in fsdp[0]["losses"].values())
    saved, other = (load_file(place / f"{stage}_{name}" / RUNS[stage][2]) for name in ("fsdp_bf16", "ddp_bf16"))
    assert {tensor.dtype for tensor in (*saved.values(), *other.values())} == {torch.float32}
    _same(saved, other)


def test_a_bf16_run_resumes_under_fsdp2(place, in_bf16):
    stage, fsdp, _ = in_bf16
    recipe, sharding, _ = RUNS[stage]
    name = f"{stage}_bf16_again"
    shutil.copytree(place / f"{stage}_fsdp_bf16" / "checkpoint-2", place / name / "checkpoint-2")
    again = _train(place, name, **recipe | sharding | BF16 | RESUMED)
    late = {step: loss for step, loss in fsdp[0]["losses"].items() if step > 2}
    assert late and {step: again[step] for step in late} == pytest.approx(late, rel=1e-6)
