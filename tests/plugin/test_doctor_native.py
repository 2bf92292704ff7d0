"""The doctor on a base that already sees: what it found, and what would go wrong."""

from __future__ import annotations

import json
import shutil
from importlib import util
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

from bimedix2_plugin.doctor import environment, examine, inputs
from bimedix2_plugin.model import projector
from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from tests.helpers import runs

NATIVE: dict[str, Any] = {"vision_tower": None, "image_aspect": None}


@pytest.fixture
def examined(work, monkeypatch):
    """What the doctor finds in a recipe; the plan has tests of its own."""
    monkeypatch.setattr(environment, "room", lambda *_, **__: iter(()))

    def examine_one(base, **changes):
        if not Path(base).exists():
            native(Path(base), base)
        Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**NATIVE | {"base_model": f"./{base}"} | changes)))
        return list(examine("recipe.yml"))

    return examine_one


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_sound_recipe(work, name):
    native(work / name, name)
    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**NATIVE, base_model=f"./{name}")))
    found = list(examine("recipe.yml"))
    assert not [finding for finding in found if finding.level == "fail"], found
    texts = "\n".join(finding.text for finding in found)
    for text in (
        f"./{name}, a {name} with all",
        "it sees; an image of 512 x 512 pixels takes",
        "24 of the first 24 rows",
    ):
        assert text in texts
    assert "vision_tower" not in texts and "disk: the run takes" in texts


def test_flash_attention_on_gemma_3_is_a_failure_with_its_reason(examined):
    failed = [one.text for one in examined("gemma3", attn_implementation="flash_attention_2") if one.level == "fail"]
    assert any("attn_implementation: flash_attention_2 with ./gemma3: it takes no mask" in text for text in failed)


def test_a_package_that_the_processor_imports(examined, monkeypatch):
    monkeypatch.setattr(inputs, "find_spec", lambda name: None if name == "torchvision" else util.find_spec(name))
    failed = [one.text for one in examined("qwen3_vl") if one.level == "fail"]
    assert failed == ["torchvision: the base's processor needs it. Run `pip install -e '.[qwen-vl]'`."]
    assert not [one for one in examined("llava") if one.level == "fail"]


def test_weights_that_are_missing_are_one_of_all_findings(examined, work):
    native(work / "llava", "llava")
    (work / "llava" / "model.safetensors").unlink()
    found = examined("llava")
    assert [one.text.partition(":")[0] for one in found if one.level == "fail"] == ["base_model"]
    assert any("24 of the first 24 rows" in one.text for one in found)


def _stage_1(work, config):
    out = work / "stage1"
    projector.save(out, {"model_type": "gemma3"}, {"multi_modal_projector.a": torch.zeros(2)})
    (out / projector.FINISHED).write_text(json.dumps({"stage": "align", "base": config, "tower": None}))


@pytest.mark.parametrize("fits", [True, False])
def test_stage_1_must_be_of_this_base(examined, work, fits):
    config = json.loads((native(work / "gemma3", "gemma3") / "config.json").read_text())
    _stage_1(work, config if fits else config | {"mm_tokens_per_image": 9})
    found = examined("gemma3", projector={"init_from": "./stage1"})
    (one,) = [finding for finding in found if finding.text.startswith("projector.init_from")]
    assert one.level == ("ok" if fits else "fail") and ("another base" in one.text) == (not fits)


def test_a_run_of_a_composed_model_in_the_output_folder(examined, work):
    (work / "out").mkdir()
    parts = {part: {"config": json.loads((work / part / "config.json").read_text())} for part in ("llama", "clip")}
    composition = {"base": parts["llama"], "tower": parts["clip"]}
    (work / "out" / "composition.json").write_text(json.dumps(composition))
    (one,) = [finding for finding in examined("llava") if finding.text.startswith("output_dir")]
    assert one.level == "fail" and "a run of another base" in one.text


def test_a_checkpoint_with_one_shard_gone(examined, work):
    native(work / "llava", "llava")
    shutil.move(work / "llava" / "model.safetensors", work / "llava" / "model-00001-of-00002.safetensors")
    save_file({"a": torch.zeros(2)}, work / "llava" / "unused.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (work / "llava" / "model.safetensors.index.json").write_text(json.dumps(index))
    failed = [one.text for one in examined("llava") if one.level == "fail"]
    assert len(failed) == 1 and "lacks model-00002-of-00002.safetensors, which its index names" in failed[0]
