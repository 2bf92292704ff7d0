"""A poisoned row stops Axolotl's real trainer before it can spoil a weight, and is named; training goes on after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from axolotl.core.trainers.base import AxolotlTrainer
from safetensors.torch import load_file

from bimedix2_plugin.data.collator import PackCollator, _flat
from bimedix2_plugin.training import loss_watch
from bimedix2_plugin.training.loss_watch import TrainingStopped
from tests.helpers import quick

CHANGES = {"sequence_len": 256, "gradient_accumulation_steps": 2}
SAVING = {"save_strategy": "steps", "save_steps": 1}


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    with quick.collections():
        yield


def _poison(monkeypatch, at, spoil):
    """Spoil the pack that is made as number `at`; return the ids of all packs' rows."""
    packs: list = []
    original = PackCollator.__call__

    def call(self, features):
        packs.append([row["id"] for row in _flat(features)])
        pack = original(self, features)
        if len(packs) == at:
            spoil(pack)
        return pack

    monkeypatch.setattr(PackCollator, "__call__", call)
    return packs


def _named(error):
    """The ids in a message, a list a line."""
    lines = [line for line in str(error).splitlines() if line.startswith("  ")]
    return [re.findall(r"data: ([^,]+)", line) for line in lines]


def test_a_loss_that_is_no_number_names_its_rows_and_leaves_a_checkpoint_to_go_on_from(work, monkeypatch):
    def spoil(pack):
        pack["pixel_values"][0] = torch.nan

    with monkeypatch.context() as patch:
        packs = _poison(patch, 3, spoil)
        with pytest.raises(TrainingStopped, match=r"step 2: the loss is nan\. Training was stopped") as caught:
            quick.train(**CHANGES, **SAVING, max_steps=8)
    assert _named(caught.value) == [packs[2]] and len(packs[2]) > 1
    assert f"data_prep show data --id {packs[2][0]}" in str(caught.value)
    assert not Path("out/finished.json").exists() and [p.name for p in Path("out").glob("checkpoint-*")] == [
        "checkpoint-1"
    ]

    trainer = quick.train(**CHANGES, **SAVING, max_steps=8, auto_resume_from_checkpoints=True)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 8
    assert Path("out/finished.json").exists()
    assert all(tensor.isfinite().all() for tensor in load_file("out/adapter_model.safetensors").values())


def test_a_spike_names_the_rows_of_its_step_the_worst_pack_first(work, monkeypatch):
    """A tiny random model's loss is bounded, so a pack's is multiplied on its way through Axolotl's own trainer."""
    packs, losses = _poison(monkeypatch, 0, None), []
    original = AxolotlTrainer.compute_loss

    def compute_loss(self, *args, **kwargs):
        loss, outputs = original(self, *args, **kwargs)
        losses.append(loss)
        return loss * (40 if len(losses) == 6 else 1), outputs

    monkeypatch.setattr(AxolotlTrainer, "compute_loss", compute_loss)
    monkeypatch.setattr(loss_watch, "WARM_UP", 2)
    with pytest.raises(
        TrainingStopped,
        match=r"step 3: .* \(loss_spike, wider for a mean of \d+ labelled tokens\) above .* the last 2 steps",
    ) as caught:
        quick.train(**CHANGES, max_steps=8)
    assert _named(caught.value) == [packs[5], packs[4]]
