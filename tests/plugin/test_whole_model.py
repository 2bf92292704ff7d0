"""Without an adapter the language model trains whole: what is saved is a checkpoint in each model's own names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from axolotl.cli.merge_lora import do_cli as merge_lora
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor, set_seed

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge import whole_model
from bimedix2_plugin.model.safetensors_index import read_shards
from bimedix2_plugin.model.stored_names import load_weights
from bimedix2_plugin.model.vision_language.registry import is_projector, is_tower
from bimedix2_plugin.training.roles import check_trainable_parameters
from tests.helpers import native_runs, runs
from tests.helpers.native_runs import WHOLE

STEPS = {
    **WHOLE,
    "max_steps": 3,
    "sequence_len": 256,
    "weight_decay": 0.1,
    "save_strategy": "steps",
    "save_steps": 1,
    "projector": {"learning_rate": 2e-3},
}


@pytest.fixture(scope="module", params=native_runs.EVERY)
def run(request, workshop):
    """A model after three steps of the whole language model: its name, configuration and trainer."""
    cfg = native_runs.configuration(request.param, **STEPS)
    set_seed(1)
    return request.param, cfg, native_runs.train(cfg)


def _groups(trainer):
    names = {id(p): n for n, p in trainer.model.named_parameters()}
    return {
        part: {names[id(p)] for g in trainer.optimizer.param_groups if g["name"] == part for p in g["params"]}
        for part in {group["name"] for group in trainer.optimizer.param_groups}
    }


def test_everything_but_the_tower_trains_in_its_optimizer_group(run):
    _, _, trainer = run
    every = {name for name, _ in trainer.model.named_parameters()}
    projector = {name for name in every if is_projector(name)}
    assert _groups(trainer) == {
        "projector": projector,
        "language_model": {name for name in every - projector if not is_tower(name)},
    }
    rates = {(g["name"], g["initial_lr"], g["weight_decay"]) for g in trainer.optimizer.param_groups}
    assert {("language_model", 1e-3, 0.1), ("language_model", 1e-3, 0.0), ("projector", 2e-3, 0.1)} <= rates
    assert {(part, rate) for part, rate, _ in rates} == {("language_model", 1e-3), ("projector", 2e-3)}


def test_plain_transformers_reads_the_trained_model(run):
    _, cfg, trainer = run
    given, trained = native_runs.trained_logits(trainer)
    model = native_runs.read(cfg.output_dir)
    with torch.no_grad():
        assert float((model(**given, use_cache=False).logits - trained).abs().max()) < 1e-5
    AutoProcessor.from_pretrained(cfg.output_dir)
    assert json.loads((Path(cfg.output_dir) / "composition.json").read_text())["base"]["config"]
    assert (Path(cfg.output_dir) / "finished.json").is_file()
    assert model.config.text_config.use_cache and model.generation_config.eos_token_id is not None


def test_its_names_are_the_bases_and_its_tower_is_untouched(run):
    name, cfg, _ = run
    ours = read_shards("output", Path(cfg.output_dir))
    if name in native_runs.COMPOSED:
        starts = {stored.partition(".")[0] for stored in ours.weight_map}
        assert starts == {"language_model", "multi_modal_projector", "vision_tower"}
        inside = [stored for stored in ours.weight_map if stored.startswith("vision_tower.")]
        clip = [stored for stored in inside if stored.startswith("vision_tower.vision_model.")]
        assert len(clip) == (len(inside) if name == "composed" else 0)
        return
    base = read_shards("base", Path(name))
    assert ours.weight_map.keys() == base.weight_map.keys()
    same = {stored for stored in base.weight_map if base.tensor(stored).equal(ours.tensor(stored))}
    tower = {s for s in base.weight_map if is_tower(s) or is_tower(f"model.{s}")}
    assert same == tower


def test_it_resumes_as_if_it_had_not_been_interrupted(run):
    _, cfg, trainer = run
    whole, again = Path(cfg.output_dir), Path(f"{cfg.output_dir}_again")
    shutil.copytree(whole / "checkpoint-1", again / "checkpoint-1")
    name = run[0]
    resumed = native_runs.configuration(
        name, **STEPS | {"output_dir": str(again), "auto_resume_from_checkpoints": True}
    )
    losses = native_runs.losses(native_runs.train(resumed))
    expected = native_runs.losses(trainer)
    assert {step: losses[step] for step in (2, 3)} == pytest.approx({s: expected[s] for s in (2, 3)}, rel=1e-6)
    files = [folder / "model.safetensors" for folder in (whole, again)]
    with safe_open(files[0], "pt") as one, safe_open(files[1], "pt") as other:
        assert all(one.get_tensor(stored).equal(other.get_tensor(stored)) for stored in one.keys())  # noqa: SIM118


def test_a_frozen_tensor_of_the_language_model_is_refused(run):
    _, cfg, trainer = run
    norm = next(p for n, p in trainer.model.named_parameters() if n.endswith("language_model.norm.weight"))
    norm.requires_grad_(False)
    try:
        with pytest.raises(RecipeError, match=r"of the language model's .* tensors are trainable"):
            check_trainable_parameters(trainer.model, cfg)
    finally:
        norm.requires_grad_(True)


def test_there_is_nothing_to_merge(workshop):
    import yaml

    recipe = runs.recipe(**STEPS, output_dir="./there")
    Path("there").mkdir()
    Path("recipe.yml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(RecipeError, match=r"nothing to merge; \./there holds the whole checkpoint"):
        merge_lora("recipe.yml")


def test_a_bf16_base_trains_in_float32_and_is_saved_in_bf16(workshop):
    native_runs.changes("gemma3")
    shutil.copytree("gemma3", "halved", ignore=shutil.ignore_patterns("*.safetensors"))
    model = AutoModelForImageTextToText.from_pretrained("gemma3", dtype=torch.bfloat16)
    model.save_pretrained("halved")
    changes = STEPS | {"base_model": "./halved", "output_dir": "./halved_out", "bf16": True, "max_steps": 1}
    trainer = native_runs.train(native_runs.configuration("gemma3", **changes))
    types = {is_tower(name): set() for name, _ in trainer.model.named_parameters()}
    for name, parameter in trainer.model.named_parameters():
        types[is_tower(name)].add(parameter.dtype)
    assert types[False] == {torch.float32} and torch.bfloat16 in types[True]
    assert {value.dtype for value in load_file("halved_out/model.safetensors").values()} == {torch.bfloat16}
    assert {value.dtype for value in load_file("halved_out/checkpoint-1/model.safetensors").values()} >= {torch.float32}
    assert json.loads(Path("halved_out/config.json").read_text())["dtype"] == "bfloat16"


def test_a_checkpoint_without_a_trained_tensor_is_not_resumed(run, tmp_path):
    _, cfg, trainer = run
    tensors = load_file(Path(cfg.output_dir) / "checkpoint-1" / "model.safetensors")
    name = next(stored for stored in tensors if stored.endswith("layers.0.input_layernorm.weight"))
    save_file({key: value for key, value in tensors.items() if key != name}, tmp_path / "model.safetensors")
    with pytest.raises(RecipeError, match=r"lacks .*language_model\.layers\.0\.input_layernorm\.weight"):
        load_weights(trainer.model, tmp_path)


def test_weights_that_lack_a_tensor_are_not_finished(run, tmp_path):
    _, cfg, _ = run
    tensors = load_file(Path(cfg.output_dir) / "model.safetensors")
    name = next(stored for stored in tensors if stored.endswith("layers.1.mlp.up_proj.weight"))
    save_file({key: value for key, value in tensors.items() if key != name}, tmp_path / "model.safetensors")
    with pytest.raises(RecipeError, match=r"1 tensors of the model were not saved .*layers\.1\.mlp\.up_proj\.weight"):
        whole_model.finish(tmp_path, Path(cfg.base_model))
    assert (tmp_path / "model.safetensors").is_file()
