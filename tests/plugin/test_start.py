"""What training starts from, as a checkpoint: stage 1's model, in a program that knows nothing of this project."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch
import yaml
from click.testing import CliRunner
from transformers import AutoProcessor, LlavaForConditionalGeneration

from bimedix2_plugin.cli import start
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.compose import COMPOSITION, compose, load
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny
from tests.helpers import runs
from tests.helpers.adapters import question

SHAPE = projector.ProjectorShape


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A base, a tower, a finished stage 1 whose projector is no fresh one, and stage 2's recipe, which names it."""
    work = tmp_path_factory.mktemp("start")
    base, tower = tiny.llama(work / "llama", tied=True), tiny.clip_vision(work / "clip")
    parts = json.loads((_composed(base, tower, work, None) / COMPOSITION).read_text())
    shape = SHAPE(**{key: value for key, value in parts["projector"].items() if key != "init_from"})
    generator = torch.Generator().manual_seed(3)
    shapes = projector.tensor_shapes(shape).items()
    projector.save(
        work / "stage1", asdict(shape), {name: 0.2 * torch.randn(size, generator=generator) for name, size in shapes}
    )
    models = {part: parts[part]["config"] for part in ("base", "tower")}
    (work / "stage1" / projector.FINISHED).write_text(json.dumps(models))
    changes = {"projector": {"init_from": "./stage1", "learning_rate": 1e-3}, "composed_path": "./composed"}
    (work / "recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)))
    return work


def _composed(base, tower, work, init_from):
    return compose(Request(base=str(base), tower=str(tower), init_from=init_from, root=work / "composed"))


def _run(work, *arguments):
    with runs.inside(work):
        return CliRunner().invoke(start, list(arguments))


def test_checkpoint_is_the_base_with_the_projector_of_stage_1(work):
    done = _run(work, "recipe.yml", "--out", "stage1_model")
    assert done.exit_code == 0, done.output
    folder = work / "stage1_model"
    plain = {"dtype": torch.float32, "attn_implementation": "eager"}
    model, report = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True, **plain)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    stage_1 = projector.load(work / "stage1")
    found = {name: tensor for name, tensor in model.state_dict().items() if "multi_modal_projector" in name}
    assert {name.removeprefix("model."): tensor.tolist() for name, tensor in found.items()} == {
        name: tensor.tolist() for name, tensor in stage_1.items()
    }
    with runs.inside(work):
        composed = _composed("./llama", "./clip", work, "./stage1")
        expected = load(composed, **plain).eval()
    inputs = question(expected)
    with torch.no_grad():
        assert torch.allclose(model.eval()(**inputs).logits, expected(**inputs).logits, atol=1e-5)
    assert AutoProcessor.from_pretrained(folder).chat_template
    assert json.loads((folder / COMPOSITION).read_text())["projector"]["init_from"] == "./stage1"


def test_stage_1_that_is_not_there_is_one_message(work):
    recipe = yaml.safe_load((work / "recipe.yml").read_text())
    recipe["projector"]["init_from"] = "./nowhere"
    (work / "other.yml").write_text(yaml.safe_dump(recipe))
    done = _run(work, "other.yml", "--out", "model")
    assert done.exit_code == 1 and "nowhere holds no projector.safetensors" in done.output
    assert not (work / "model").exists()


def test_recipe_without_models_is_one_message(work):
    (work / "empty.yml").write_text("stage: instruct\n")
    done = _run(work, "empty.yml", "--out", "model")
    assert done.exit_code == 1 and "base_model: name it in empty.yml" in done.output
