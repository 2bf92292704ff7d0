"""Rehearsals of bases that already see: own processor and tokenizer in small models, every proof, with stage 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from axolotl.utils.dict import DictDefault
from transformers import AutoConfig, AutoTokenizer

from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.rehearse import stand_ins
from bimedix2_plugin.rehearse import training_proofs as proofs
from bimedix2_plugin.rehearse.rehearsal import rehearse
from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from tests.helpers import rehearsed, runs, tiny_data
from tests.helpers.forked import run_forked

pytestmark = pytest.mark.timeout(1200)
NATIVE: dict[str, Any] = {"vision_tower": None, "image_aspect": None}
TOKENS = {"llava_finished": 576, "medgemma_4b": 256, "qwen2_5_vl_7b": 324, "qwen3_vl_8b": 256}


def _shipped(name):
    return DictDefault(yaml.safe_load((rehearsed.RECIPES / "native" / f"{name}.yml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", TOKENS)
def test_a_stand_in_is_of_the_bases_class_with_its_own_image_tokens(tmp_path, name):
    cfg = _shipped(name)
    made = stand_ins.make(cfg, tmp_path)
    model = of_folder(made.base)
    own = AutoConfig.from_pretrained(tmp_path / "configurations" / cfg.base_model.replace("/", "--"))
    assert (
        type(model.config) is type(own)
        and model.config.architectures == AutoConfig.from_pretrained(made.base).architectures
    )
    assert model.encoded(512, 512).placeholders == TOKENS[name]
    assert model.config.text_config.hidden_size < 256 < own.text_config.hidden_size
    assert model.placeholder == model.tokenizer.convert_ids_to_tokens(model.placeholder_id)
    assert model.image_text and made.tower is None
    text = "\n".join(made.replaced)
    assert f"base_model: random weights, {cfg.base_model} with" in text and "tokenizer: a small one" in text


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_tokenizer_and_the_template_are_the_bases_own_where_they_are_here(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    own = AutoTokenizer.from_pretrained(native(tmp_path / "base", name))
    made = stand_ins.make(DictDefault(runs.recipe(**NATIVE, base_model="./base")), tmp_path / "models")
    words = AutoTokenizer.from_pretrained(made.base)
    assert words.get_vocab() == own.get_vocab() and words.chat_template == own.chat_template
    assert len(made.replaced) == 1


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The rehearsal of a base in a local folder, after a stage 1 of its own."""
    folder = tmp_path_factory.mktemp("native")
    with runs.inside(folder):
        native(folder / "base", "qwen3_vl")
        tiny_data.dataset("data", rows=32)
        Path("recipes").mkdir()
        shared = NATIVE | {"base_model": "./base", "chat_template": "tokenizer_default"}
        first = runs.recipe(**shared | runs.ALIGN, output_dir="./stage1", sample_packing=False, balance_labels=None)
        Path("recipes/mine_stage1.yml").write_text(yaml.safe_dump(first))
        second = runs.recipe(**shared, projector={"init_from": "./stage1", "learning_rate": 1e-3})
        Path("recipes/mine.yml").write_text(yaml.safe_dump(second))
        rehearse("recipes/mine.yml", out=Path("report"), keep=True, run=run_forked, say=lambda line: None)
        assert not Path("outputs").exists()
        return folder / "report"


def test_every_proof_holds_in_both_stages(report):
    content = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert content["passed"], content
    passed = {(proof["stage"], proof["name"]) for proof in content["proofs"] if proof["state"] == "passed"}
    shared = {
        "labels only where they belong",
        "packed = alone",
        "only the stage's parameters moved",
        "n ranks = 1 rank",
    }
    after = {"resumed = uninterrupted", "merged = adapter", "reloaded = merged", "the merged model answers"}
    after.add("training's prompt tokens = generation's")
    assert passed == {("align", name) for name in shared} | {("instruct", name) for name in shared | after}


def test_a_projector_of_other_shapes_or_a_merger_that_did_not_move_fails(report):
    evidence = json.loads((report / "work" / "evidence-instruct.json").read_text(encoding="utf-8"))
    shapes = [tuple(one["shape"]) for name, one in evidence["parameters"].items() if ".modules_to_save." in name]
    recipe = {"bf16": False, "stage": "instruct"}
    assert proofs.its_parameters_moved(evidence, recipe, shapes)[0]
    assert not proofs.its_parameters_moved(evidence, recipe, shapes[1:])[0]
    name = next(name for name in evidence["parameters"] if "deepstack" in name and ".modules_to_save." in name)
    still = evidence["parameters"] | {name: evidence["parameters"][name] | {"moved": False}}
    assert not proofs.its_parameters_moved({"parameters": still}, recipe, shapes)[0]
