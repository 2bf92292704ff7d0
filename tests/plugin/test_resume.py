"""Interrupted and resumed training gives the losses and the packs of the uninterrupted run, over epochs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import runs, tiny_data

CHANGES = {"num_epochs": 3, "save_strategy": "steps", "save_steps": 1, "save_total_limit": 50, "lora_dropout": 0.05}


def _history(trainer):
    return {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}


def _watch(packs):
    """Record what each step was given."""
    from bimedix2_plugin.training.trainer import PackTrainer

    original = PackTrainer.training_step

    def step(self, model, inputs, *args, **kwargs):
        packs.append(inputs["input_ids"][0].tolist())
        return original(self, model, inputs, *args, **kwargs)

    return step


@pytest.mark.parametrize("at", [2, 7], ids=["early", "late"])
@pytest.mark.parametrize("stage", ["instruct", "align"])
def test_resumed_equals_uninterrupted(work, monkeypatch, stage, at):
    changes = dict(CHANGES)
    if stage == "align":
        changes |= {**runs.ALIGN, "datasets": [runs.RECIPE["datasets"][0] | {"path": "./captions"}], "num_epochs": 9}
        tiny_data.captions("data", "captions")
    packs: list = []
    monkeypatch.setattr("bimedix2_plugin.training.trainer.PackTrainer.training_step", _watch(packs))
    whole = _history(runs.train(**changes, output_dir="./whole", sequence_len=256))
    steps = len(whole)
    assert steps > at
    uninterrupted = list(packs)
    shutil.copytree(f"whole/checkpoint-{at}", f"again/checkpoint-{at}")
    shutil.copytree(f"whole/checkpoint-{at}", "again/checkpoint-99")  # as a kill in the middle of saving leaves it
    Path("again/checkpoint-99/trainer_state.json").write_text('{"epoch": 0.')
    packs.clear()
    again = _history(runs.train(**changes, output_dir="./again", sequence_len=256, auto_resume_from_checkpoints=True))
    assert packs == uninterrupted[at:]
    assert {step: again[step] for step in range(at + 1, steps + 1)} == pytest.approx(
        {step: whole[step] for step in range(at + 1, steps + 1)}, rel=1e-6
    )


def test_every_row_is_seen_in_every_epoch(work, monkeypatch):
    packs: list = []
    monkeypatch.setattr("bimedix2_plugin.training.trainer.PackTrainer.training_step", _watch(packs))
    trainer = runs.train(num_epochs=3, sequence_len=256)
    rows = {tuple(row["input_ids"]) for row in trainer.train_dataset}
    per_epoch = len(packs) // 3
    for epoch in range(3):
        tokens = list(packs[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert sum(len(row["input_ids"]) for row in trainer.train_dataset) <= sum(map(len, tokens))
        assert all(any(_holds(pack, row) for pack in tokens) for row in rows)


def _holds(pack, row):
    return any(tuple(pack[start : start + len(row)]) == row for start in range(len(pack) - len(row) + 1))
