"""Axolotl's real trainer on two ranks, under DDP and FSDP2: losses, saved files, resuming."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import load_file

from bimedix2_plugin.rehearse import ranks
from tests.helpers import ranks_jobs, runs, tiny_data

pytestmark = pytest.mark.slow

STEPS = {"sequence_len": 256, "num_epochs": 2, "save_strategy": "steps", "save_steps": 2, "save_total_limit": 9}
IN_PARTS = {"fsdp_config": ranks.FSDP | {"state_dict_type": "SHARDED_STATE_DICT"}}
WHOLE = {"fsdp_config": ranks.FSDP | {"state_dict_type": "FULL_STATE_DICT"}}
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
    """Losses under FSDP2 with gradient checkpointing."""
    checkpointing = {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": False}}
    return _train(place, "fsdp", **IN_PARTS, **checkpointing)


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


def test_a_lora_resumes_under_fsdp2(place, instruct):
    assert max(instruct) > 2
    shutil.copytree(place / "fsdp" / "checkpoint-2", place / "fsdp_again" / "checkpoint-2")
    again = _train(place, "fsdp_again", **IN_PARTS, **RESUMED)
    late = {step: loss for step, loss in instruct.items() if step > 2}
    assert {step: again[step] for step in late} == pytest.approx(late, rel=1e-5)


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


def test_align_resumes_under_fsdp2(place, align):
    assert max(align) > 2
    shutil.copytree(place / "align_fsdp" / "checkpoint-2", place / "align_again" / "checkpoint-2")
    again = _train(place, "align_again", **CAPTIONS, **WHOLE, **RESUMED)
    late = {step: loss for step, loss in align.items() if step > 2}
    assert {step: again[step] for step in late} == pytest.approx(late, rel=1e-5)


def test_ranks_would_fail_or_hang_without_an_image_for_text(place):
    with pytest.raises(ranks.RankError, match=r"Expected to have finished reduction|[Tt]imed out"):
        ranks.run(ranks_jobs.text_without_image, {"sequence_len": 256}, folder=place, seconds=900)
