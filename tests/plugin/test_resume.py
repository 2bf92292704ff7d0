"""Interrupted and resumed training gives the losses and the packs of the uninterrupted run, over epochs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from axolotl.utils.trainer import calculate_total_num_steps

from tests.helpers import runs, tiny_data

CHANGES = {"num_epochs": 3, "save_strategy": "steps", "save_steps": 1, "save_total_limit": 50, "lora_dropout": 0.05}


def _history(trainer, what="loss"):
    return {entry["step"]: entry[what] for entry in trainer.state.log_history if what in entry}


def _estimate_off_by(monkeypatch, steps):
    """Change Axolotl's estimate of a run's steps. It is made of packs in an order that differs from process to process,
    and so differs itself."""
    monkeypatch.setattr(
        "axolotl.utils.data.sft.calculate_total_num_steps",
        lambda *args, **kwargs: calculate_total_num_steps(*args, **kwargs) + steps,
    )


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
    trainer = runs.train(**changes, output_dir="./whole", sequence_len=256)
    whole, rates = _history(trainer), _history(trainer, "learning_rate")
    steps = len(whole)
    assert steps > at
    uninterrupted = list(packs)
    shutil.copytree(f"whole/checkpoint-{at}", f"again/checkpoint-{at}")
    shutil.copytree(f"whole/checkpoint-{at}", "again/checkpoint-99")  # as a kill in the middle of saving leaves it
    Path("again/checkpoint-99/trainer_state.json").write_text('{"epoch": 0.')
    packs.clear()
    _estimate_off_by(monkeypatch, 5)
    trainer = runs.train(**changes, output_dir="./again", sequence_len=256, auto_resume_from_checkpoints=True)
    again = _history(trainer)
    assert packs == uninterrupted[at:]
    assert _history(trainer, "learning_rate") == rates
    assert {step: again[step] for step in range(at + 1, steps + 1)} == pytest.approx(
        {step: whole[step] for step in range(at + 1, steps + 1)}, rel=1e-6
    )


def test_every_row_is_seen_in_every_epoch(work, monkeypatch):
    packs: list = []
    monkeypatch.setattr("bimedix2_plugin.training.trainer.PackTrainer.training_step", _watch(packs))
    _estimate_off_by(monkeypatch, -2)
    trainer = runs.train(num_epochs=3, sequence_len=256)
    rows = {tuple(row["input_ids"]) for row in trainer.train_dataset}
    per_epoch = len(packs) // 3
    for epoch in range(3):
        tokens = list(packs[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert sum(len(row["input_ids"]) for row in trainer.train_dataset) <= sum(map(len, tokens))
        assert all(any(_holds(pack, row) for pack in tokens) for row in rows)


@pytest.mark.parametrize("given, wanted", [({}, 0), ({"warmup_ratio": 0.5}, 12), ({"warmup_steps": 4}, 4)])
def test_the_warmup_is_that_of_the_steps_that_are_trained(work, monkeypatch, given, wanted):
    _estimate_off_by(monkeypatch, 40)
    trainer = runs.train(num_epochs=3, sequence_len=256, **given)
    steps = trainer.state.max_steps
    assert steps == 3 * len(trainer.get_train_dataloader()) == 24
    assert trainer.args.get_warmup_steps(steps) == wanted


def _holds(pack, row):
    return any(tuple(pack[start : start + len(row)]) == row for start in range(len(pack) - len(row) + 1))
