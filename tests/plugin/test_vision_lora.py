"""A LoRA in the tower: where it is, with which rank and rate, and merged into each model's own names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from axolotl.utils.dict import DictDefault
from safetensors.torch import load_file
from transformers import set_seed

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import load
from bimedix2_plugin.model.vision_language.registry import is_tower
from bimedix2_plugin.training.roles import check_trainable_parameters
from tests.helpers import native_runs

VISION = {"r": 3, "alpha": 12, "learning_rate": 5e-3}
# Linear layers of a tower's layer, and its layers before the hidden state that the projector reads.
LAYERS = {
    "gemma3": (6, 2),
    "llava": (6, 2),
    "qwen2_5_vl": (5, 2),
    "qwen3_vl": (4, 2),
    "composed": (6, 2),
    "composed with DINOv2": (6, 2),
}


@pytest.fixture(scope="module", params=native_runs.EVERY)
def run(request, workshop):
    """A model after two steps with a LoRA in the tower, too: its name, configuration and trainer."""
    steps = {"max_steps": 2, "learning_rate": 1e-2, "weight_decay": 0.1, "sequence_len": 256}
    cfg = native_runs.configuration(request.param, vision_lora=VISION, **steps)
    set_seed(1)
    return request.param, cfg, native_runs.train(cfg)


def _lora(trainer):
    return {n: p for n, p in trainer.model.named_parameters() if ".lora_" in n and is_tower(n)}


def test_it_is_in_each_linear_layer_that_the_projector_depends_on(run):
    name, _, trainer = run
    each, layers = LAYERS[name]
    lora = _lora(trainer)
    assert len(lora) == 2 * each * layers
    assert {p.shape[0] for n, p in lora.items() if ".lora_A." in n} == {VISION["r"]}
    modules = [m for n, m in trainer.model.named_modules() if is_tower(n) and hasattr(m, "lora_A")]
    assert {module.scaling["default"] for module in modules} == {VISION["alpha"] / VISION["r"]}
    language = {n: p for n, p in trainer.model.named_parameters() if ".lora_A." in n and not is_tower(n)}
    assert {p.shape[0] for p in language.values()} == {4}


def test_it_has_an_optimizer_group_of_its_own(run):
    _, _, trainer = run
    names = {id(p): n for n, p in trainer.model.named_parameters()}
    groups = {
        part: {names[id(p)] for g in trainer.optimizer.param_groups if g["name"] == part for p in g["params"]}
        for part in ("lora", "projector", "vision_lora")
    }
    assert groups["vision_lora"] == set(_lora(trainer))
    rates = {(g["name"], g["initial_lr"]) for g in trainer.optimizer.param_groups}
    assert rates == {("lora", 1e-2), ("projector", 2e-3), ("vision_lora", 5e-3)}
    assert set().union(*groups.values()) == {n for n, p in trainer.model.named_parameters() if p.requires_grad}


def test_all_of_it_learns(run):
    _, _, trainer = run
    pack = trainer.data_collator([row for row in trainer.train_dataset if row["images"]][:2])
    trainer.model.zero_grad()
    trainer.compute_loss(trainer.model.train(), pack).backward()
    silent = {n for n, p in _lora(trainer).items() if p.grad is None or not p.grad.abs().sum() > 0}
    assert not silent


def test_merged_it_is_the_trained_model_and_nothing_else_of_the_tower_changed(run):
    from axolotl.cli.merge_lora import do_merge_lora

    name, cfg, trainer = run
    given, trained = native_runs.trained_logits(trainer)
    targets = {n.split(".lora_")[0].removeprefix("base_model.model.") for n in _lora(trainer)}
    do_merge_lora(cfg=DictDefault({**cfg, "lora_model_dir": cfg.output_dir, "merge_lora": True}))
    merged = native_runs.read(Path(cfg.output_dir) / "merged")
    with torch.no_grad():
        assert float((merged(**given, use_cache=False).logits - trained).abs().max()) < 1e-4
    start = dict(load(cfg.base_model, dtype=torch.float32).named_parameters()) if cfg.vision_tower else None
    start = start or dict(native_runs.read(name).named_parameters())
    changed = {n for n, p in merged.named_parameters() if is_tower(n) and not torch.equal(p, start[n])}
    assert changed == {f"{target}.weight" for target in targets}


def test_a_rank_other_than_the_recipes_is_refused(run):
    _, cfg, trainer = run
    other = DictDefault({**cfg, "vision_lora": {**VISION, "r": 5}})
    with pytest.raises(RecipeError, match=r"lora_A.* is of rank 3, the recipe says 5"):
        check_trainable_parameters(trainer.model, other)


def test_a_frozen_half_or_another_type_is_refused(run):
    _, cfg, trainer = run
    name, parameter = next(iter(_lora(trainer).items()))
    parameter.data = parameter.data.bfloat16()
    try:
        with pytest.raises(RecipeError, match=rf"1 tensors would train in torch.bfloat16, first {name}"):
            check_trainable_parameters(trainer.model, cfg)
    finally:
        parameter.data = parameter.data.float()
    for lora in _lora(trainer).values():
        lora.requires_grad_(False)
    try:
        with pytest.raises(RecipeError, match="no LoRA of the tower is trainable"):
            check_trainable_parameters(trainer.model, cfg)
    finally:
        for lora in _lora(trainer).values():
            lora.requires_grad_(True)


def test_the_adapter_holds_it(run):
    _, cfg, trainer = run
    saved = load_file(Path(cfg.output_dir) / "adapter_model.safetensors")
    assert {n for n in saved if ".lora_" in n and is_tower(n)} == {n.replace(".default", "") for n in _lora(trainer)}
