"""Each model that already sees: recomputed layers, text alone, evaluation by language, stage align, and 4 bits."""

from __future__ import annotations

import json
import math
from collections import defaultdict

import pytest
import torch
from axolotl.train import setup_model_and_trainer
from bitsandbytes.nn import Linear4bit
from safetensors.torch import load_file

from bimedix2_plugin.model.vision_language.registry import is_projector, is_tower, of_model, projector_name
from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from tests.helpers import native_runs, quick, runs, tiny_data
from tests.helpers.packs import difference, packed_and_alone, step

TEST = [{"path": "./data", "type": "bimedix2_plugin.conversation", "split": "test"}]
VISION = {"r": 2, "alpha": 4}
EVALUATED = {"test_datasets": TEST, "eval_sample_packing": True, "eval_strategy": "steps", "eval_steps": 99}


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    with quick.collections():
        yield


@pytest.fixture(scope="module", params=sorted(MAKERS))
def model_type(request, workshop):
    native(workshop / request.param, request.param)
    return request.param


def _trainer(model_type, **changes):
    cfg = native_runs.configuration(model_type, **changes)
    trainer = setup_model_and_trainer(cfg, quick.prepared(cfg))[0]
    generator = torch.Generator().manual_seed(7)
    for name, parameter in trainer.model.named_parameters():
        if ".lora_B." in name:  # they start at zero, and those before them would have no gradients
            parameter.data.normal_(std=0.02, generator=generator)
    return trainer


@pytest.fixture(scope="module")
def trainer(model_type):
    return _trainer(model_type, **EVALUATED, vision_lora=VISION, sequence_len=256)


def test_recomputed_layers_give_the_same_gradients(model_type, trainer):
    pack, _, items = packed_and_alone(trainer)
    expected = step(trainer, [pack], items)
    recomputing = {
        "vision_lora": VISION,
        "gradient_checkpointing": True,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
    }
    other = _trainer(model_type, **recomputing, sequence_len=256)
    layer, calls = other.model.get_submodule("base_model.model.model.language_model.layers.0.mlp"), []
    layer.register_forward_pre_hook(lambda *_: calls.append(1))  # recomputing may stop inside the layer
    other.model.train()
    assert difference(step(other, [pack], items), expected) < 1e-5
    assert len(calls) == 2


def test_a_pack_of_text_runs_the_vision_path_and_teaches_it_nothing(trainer):
    rows = [row for row in trainer.train_dataset if not row["images"]][:2]
    pack, seen = trainer.data_collator(rows), []
    projector = trainer.model.get_submodule(f"base_model.model.{of_model(trainer.model).PROJECTOR[0]}")
    hook = projector.register_forward_hook(lambda *_: seen.append(1))
    _, gradients = step(trainer, [pack], 10)
    hook.remove()
    ours = {name: gradient for name, gradient in gradients.items() if is_projector(name) or is_tower(name)}
    assert seen and ours and all(gradient is not None and not gradient.any() for gradient in ours.values())
    assert any(gradient.any() for name, gradient in gradients.items() if name not in ours)
    with_image = trainer.data_collator([row for row in trainer.train_dataset if row["images"]][:1])
    assert all(step(trainer, [with_image], 10)[1][name].any() for name in ours)


def test_evaluation_gives_the_loss_of_each_language(trainer):
    metrics = trainer.evaluate()
    sums = defaultdict(lambda: [0.0, 0])
    for row in trainer.eval_dataset:
        pack = trainer.data_collator([row])
        with torch.no_grad():
            given = {name: value for name, value in pack.items() if name not in ("rows", "labels", "shift_labels")}
            logits = trainer.model.eval()(**given, use_cache=False).logits[0]
        sums[row["language"]][0] += float(torch.nn.functional.cross_entropy(logits, pack["shift_labels"][0])) * len(
            logits
        )
        sums[row["language"]][1] += len(logits)
    expected = {f"eval_loss_{language}": loss / tokens for language, (loss, tokens) in sums.items()}
    assert set(expected) == {"eval_loss_ar", "eval_loss_en"}
    assert {key: metrics[key] for key in expected} == pytest.approx(expected, rel=1e-5)


def test_align_moves_the_projector_all_of_it_and_saves_no_more(model_type, workshop):
    if not (workshop / "captions").is_dir():
        tiny_data.captions("data", "captions")
    changes = runs.ALIGN | {"datasets": [runs.RECIPE["datasets"][0] | {"path": "./captions"}], "max_steps": 2}
    cfg = native_runs.configuration(model_type, **changes, learning_rate=1e-2, output_dir=f"./align_{model_type}")
    trainer = native_runs.train(cfg)
    start = dict(native_runs.read(model_type).named_parameters())
    moved = {name for name, value in trainer.model.named_parameters() if not torch.equal(value, start[name])}
    assert moved == {name for name in start if is_projector(name)}
    saved = load_file(f"align_{model_type}/projector.safetensors")
    assert saved.keys() == {projector_name(name) for name in moved}
    assert not list((workshop / f"align_{model_type}").glob("model*"))
    started = native_runs.configuration(model_type, projector={"init_from": f"./align_{model_type}"})
    model = native_runs.read(started.base_model)
    ours = {projector_name(n): value for n, value in model.named_parameters() if is_projector(n)}
    assert all(torch.equal(ours[name], saved[name]) for name in saved)
    assert json.loads((workshop / f"align_{model_type}/finished.json").read_text())["stage"] == "align"


def test_in_4_bits_only_the_language_model_is_quantised_and_all_that_trains_learns(model_type):
    changes = {"adapter": "qlora", "load_in_4bit": True, "output_dir": f"./qlora_{model_type}"}
    trainer = native_runs.train(native_runs.configuration(model_type, **changes, max_steps=1))
    quantised = {name for name, module in trainer.model.named_modules() if isinstance(module, Linear4bit)}
    assert len(quantised) == 2 * 7 and all(".language_model.layers." in name for name in quantised)
    trained = {name: p for name, p in trainer.model.named_parameters() if p.requires_grad}
    start = native_runs.read(model_type)
    shapes = {projector_name(name): p.shape for name, p in start.named_parameters() if is_projector(name)}
    assert {projector_name(name): p.shape for name, p in trained.items() if is_projector(name)} == shapes
    assert {p.dtype for p in trained.values()} == {torch.float32}
    assert {p.dtype for n, p in trainer.model.named_parameters() if is_tower(n)} == {trainer.axolotl_cfg.torch_dtype}
    pack = trainer.data_collator([row for row in trainer.train_dataset if row["images"]][:2])
    trainer.model.zero_grad()
    loss = trainer.compute_loss(trainer.model.train(), pack)
    loss.backward()
    assert math.isfinite(loss.detach())
    assert not {name for name, p in trained.items() if p.grad is None or not p.grad.abs().sum() > 0}
