"""What each stage trains: by parameter name, by optimizer group, and by what changed on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model import projector
from bimedix2_plugin.training import roles
from tests.helpers import runs, tiny_data

LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def _names(trainer, group):
    names = {id(p): n for n, p in trainer.model.named_parameters()}
    return {names[id(p)] for g in trainer.optimizer.param_groups if g["name"] == group for p in g["params"]}


@pytest.fixture(scope="module")
def instruct(workshop):
    trainer = runs.trainer(runs.configuration(weight_decay=0.1))
    trainer.create_optimizer()
    return trainer


def test_instruct_trains_lora_and_projector_only(instruct):
    trainable = {n for n, p in instruct.model.named_parameters() if p.requires_grad}
    lora = {n for n in trainable if ".lora_" in n}
    assert {n.split(".")[-4] for n in lora} == LINEAR
    assert all(".language_model.layers." in n for n in lora)
    rest = {n.split("multi_modal_projector.modules_to_save.default.")[-1] for n in trainable - lora}
    assert rest == {"linear_1.weight", "linear_1.bias", "linear_2.weight", "linear_2.bias"}


def test_projector_has_its_own_rate_biases_included(instruct):
    """`lr_groups` would leave the biases in the LoRA's group."""
    assert {n.rsplit(".", 2)[-2] + "." + n.rsplit(".", 1)[-1] for n in _names(instruct, "projector")} == {
        "linear_1.weight",
        "linear_1.bias",
        "linear_2.weight",
        "linear_2.bias",
    }
    assert all(".lora_" in name for name in _names(instruct, "lora"))
    settings = {(g["name"], g["lr"], g["weight_decay"]) for g in instruct.optimizer.param_groups}
    assert settings == {("projector", 2e-3, 0.1), ("projector", 2e-3, 0.0), ("lora", 1e-3, 0.1)}
    grouped = _names(instruct, "projector") | _names(instruct, "lora")
    assert grouped == {n for n, p in instruct.model.named_parameters() if p.requires_grad}


@pytest.fixture(scope="module")
def aligned(workshop):
    """Stage 1, trained for real, with a checkpoint on the way."""
    caption = [{"path": "./captions", "type": "bimedix2_plugin.conversation", "split": "train"}]
    tiny_data.captions("data", "captions")
    runs.train(**runs.ALIGN, datasets=caption, output_dir="./stage1", save_strategy="steps", save_steps=2, num_epochs=2)
    return workshop / "stage1"


def test_align_saves_the_projector_and_never_the_frozen_model(aligned):
    folders = [aligned, *aligned.glob("checkpoint-*")]
    assert len(folders) > 1
    for folder in folders:
        assert set(load_file(folder / "projector.safetensors")) == {
            f"multi_modal_projector.linear_{number}.{part}" for number in (1, 2) for part in ("weight", "bias")
        }
        weights = [f for f in folder.iterdir() if f.suffix in (".safetensors", ".bin")]
        assert {f.name for f in weights} == {"projector.safetensors", "training_args.bin"} or {
            f.name for f in weights
        } == {"projector.safetensors"}
    newest = max(aligned.glob("checkpoint-*"))
    assert {"optimizer.pt", "scheduler.pt", "trainer_state.json"} <= {f.name for f in newest.iterdir()}


def test_finished_is_said_after_the_final_weights(aligned, monkeypatch):
    """A run that dies while it saves must not pass for a finished one."""
    assert (aligned / "finished.json").is_file()
    assert all(not (folder / "finished.json").exists() for folder in aligned.glob("checkpoint-*"))

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("axolotl.train.save_trained_model", full)
    captions = [{"path": "./captions", "type": "bimedix2_plugin.conversation", "split": "train"}]
    with pytest.raises(OSError, match="disk full"):
        runs.train(**runs.ALIGN, datasets=captions, output_dir="./dies", max_steps=1)
    assert not (aligned.parent / "dies" / "finished.json").exists()


def test_stage_1_leaves_what_a_model_card_tells_of_it(aligned):
    left = json.loads((aligned / "finished.json").read_text())
    assert left["datasets"] == ["./captions"]
    assert (left["hyperparameters"]["stage"], left["hyperparameters"]["learning_rate"]) == ("align", 1e-3)
    assert left["hyperparameters"]["ranks"] == 1


def test_align_moved_the_projector_and_stage_2_starts_from_it_and_says_so(aligned, monkeypatch):
    said = []
    monkeypatch.setattr(roles.LOG, "info", lambda text, *values: said.append(text % values))
    fresh = load_file(Path(runs.configuration().base_model) / "projector.safetensors")
    trained = load_file(aligned / "projector.safetensors")
    assert all(not torch.equal(trained[name], fresh[name]) for name in fresh)
    cfg = runs.configuration(projector={"init_from": "./stage1"})
    model = runs.trainer(cfg).model
    start = model.base_model.model.model.multi_modal_projector.modules_to_save.default
    assert torch.equal(start.linear_1.weight, trained["multi_modal_projector.linear_1.weight"])
    assert torch.equal(start.linear_2.bias, trained["multi_modal_projector.linear_2.bias"])
    assert "the projector starts from stage 1's, in ./stage1" in said


def test_a_stray_trainable_parameter_is_refused(instruct):
    cfg = instruct.axolotl_cfg
    head = instruct.model.get_output_embeddings().weight
    head.requires_grad_(True)
    try:
        with pytest.raises(RecipeError, match="tensors outside the stage are trainable"):
            roles.check_trainable_parameters(instruct.model, cfg)
    finally:
        head.requires_grad_(False)
    roles.check_trainable_parameters(instruct.model, cfg)


def test_a_projector_that_is_cut_short_is_named(tmp_path):
    (tmp_path / "projector.safetensors").write_bytes(b"\0" * 7)
    with pytest.raises(RecipeError, match=r"projector.safetensors: not a readable projector"):
        projector.load(tmp_path)
