"""`axolotl bimedix2-doctor`: every problem that would come later, in one report."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import huggingface_hub
import pytest
import yaml
from axolotl.utils.dict import DictDefault
from click.testing import CliRunner
from huggingface_hub.errors import GatedRepoError

from bimedix2_plugin import cli
from bimedix2_plugin.doctor import environment, examine, examine_all, inputs
from bimedix2_plugin.model import projector
from bimedix2_plugin.model.model_folder import Source
from bimedix2_plugin.plan.model_sizes import read_models
from bimedix2_plugin.recipe import read
from tests.helpers import runs

ENTRY = runs.RECIPE["datasets"][0]
RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def write(work):
    def write(**changes):
        (work / "recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)), encoding="utf-8")
        return "recipe.yml"

    return write


@pytest.fixture
def quick(monkeypatch):
    """Leave out the plan, which has a test of its own."""
    monkeypatch.setattr(environment, "room", lambda *_, **__: iter(()))


def _levels(recipe, level):
    return [finding.text for finding in examine(recipe) if finding.level == level]


def test_a_sound_recipe(write):
    result = CliRunner().invoke(cli.doctor, [write()])
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.output.splitlines()].count("fail") == 0
    for text in (
        "its keys and settings",
        "24 of the first 24 rows",
        "./llama, a llama with all",
        "disk: the run takes",
    ):
        assert text in result.output


def test_all_problems_are_reported_at_once_and_the_exit_code_is_1(write, work):
    (work / "clip" / "model.safetensors").unlink()
    (work / "data" / "images" / "images-00000.arrow").write_bytes(b"cut")
    entry = ENTRY | {"splt": "train"}
    result = CliRunner().invoke(cli.doctor, [write(learing_rate=1, datasets=[entry], lora_alpha="many")])
    assert result.exit_code == 1
    for text in (
        "learing_rate: no such key",
        "datasets.splt: no such key",
        "lora_alpha: Input should be a valid integer",
        "vision_tower: clip holds no model.safetensors",
        "images/images-00000.arrow: missing, or not of the size in the manifest",
    ):
        assert any(line.startswith("fail") and text in line for line in result.output.splitlines()), result.output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_model": "./gone"}, "base_model: ./gone is not on this disk"),
        ({"base_model": "./clip"}, "clip_vision_model"),
        ({"vision_tower": "./llama"}, "is not a supported vision tower"),
        ({"vision_tower": None}, "base_model: ./llama is of model type 'llama', which does not see"),
        ({"deepspeed": "zero3.json"}, "deepspeed: zero3.json is not there"),
        ({"deepspeed": "zero3.json"}, "deepspeed: the recipe needs it. Run `make setup-deepspeed`"),
        ({"chat_template": "no_such"}, "chat_template"),
        ({"projector": {"init_from": "./gone"}}, "projector.init_from: ./gone holds no finished stage 1"),
        ({"datasets": [ENTRY | {"path": "./gone"}]}, "datasets: ./gone is not there"),
        ({"sequence_len": 20}, "0 of the first 24 rows can be used; the others will be rejected: too_long 24"),
    ],
)
def test_one_problem_each(write, quick, changes, message):
    found = _levels(write(**changes), "fail")
    assert any(message in text for text in found), found


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "t5", "d_model": 64, "vocab_size": 99}, "'t5', which is not supported"),
        ({"model_type": "llama", "vocab_size": 99}, "config.json of ./base has no hidden_size"),
        ({"hidden_size": 64}, "None, which is not supported"),
        (["not", "a", "mapping"], "list"),
    ],
)
def test_a_base_that_does_not_fit_is_one_line_among_all_other_findings(write, work, config, message):
    shutil.copytree(work / "llama", work / "base")
    (work / "base" / "config.json").write_text(json.dumps(config))
    result = CliRunner().invoke(cli.doctor, [write(base_model="./base", learing_rate=1)])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.output
    failed = [line for line in result.output.splitlines() if line.startswith("fail")]
    assert len(failed) == 2 and "learing_rate: no such key" in failed[0], result.output
    assert message in failed[1] and failed[1].partition("  ")[2].startswith(("base_model", "base/config.json")), (
        result.output
    )
    assert "ok    datasets: ./data is complete" in result.output
    if isinstance(config, dict):
        assert "ok    vision_tower: ./clip" in result.output and "ok    output_dir: out" in result.output


def test_rows_that_will_be_rejected_are_a_warning(write, quick):
    (text,) = [text for text in _levels(write(sequence_len=80), "warn") if "rejected" in text]
    assert "too_long" in text


def test_a_disk_that_is_full(write, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    (text,) = _levels(write(), "fail")
    assert text.startswith("disk: the run takes about") and "Free some space" in text


class _Gpu:
    def __init__(self, gibibytes):
        self.total_memory = gibibytes * 2**30


def _room(write, monkeypatch, gpus, memories, *, here=True):
    """What the doctor says about a machine whose GPUs have so much memory."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: bool(memories))
    monkeypatch.setattr("torch.cuda.device_count", lambda: len(memories))
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: _Gpu(memories[index]))
    found = environment.room(read(write()), gpus, [], here=here)
    (finding,) = [one for one in found if one.text.startswith("GPU")]
    return finding


@pytest.mark.parametrize(("memories", "level"), [([80], "ok"), ([1], "fail"), ([80, 1], "fail")])
def test_gpus_that_are_here(write, monkeypatch, memories, level):
    assert _room(write, monkeypatch, 1, memories).level == level


@pytest.mark.parametrize(("memories", "count"), [([80, 80], "2 are here"), ([80], "1 is here"), ([], "none is here")])
def test_fewer_gpus_than_the_training_is_for(write, monkeypatch, memories, count):
    finding = _room(write, monkeypatch, 8, memories)
    assert finding.level == "fail" and f"is for 8, {count}" in finding.text
    assert "gradient_accumulation_steps" in finding.text and "GPUS=" in finding.text
    assert _room(write, monkeypatch, 8, memories, here=False).level == ("ok" if memories else "warn")


@pytest.fixture
def pair(work):
    """Both stages' recipes; stage 1 has not run."""

    def pair(**changes):
        first = runs.recipe(**runs.ALIGN, output_dir="./first", projector={})
        second = runs.recipe(projector={"init_from": "./first"}, **changes)
        for name, content in (("one.yml", first), ("two.yml", second)):
            (work / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        return ["one.yml", "two.yml"]

    return pair


def test_a_stage_1_that_is_about_to_run_is_not_missing(pair, quick):
    result = CliRunner().invoke(cli.doctor, pair())
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "ok    projector.init_from: ./first will be made by one.yml" in lines
    assert lines.index("one.yml") < lines.index("two.yml")
    assert len([line for line in lines if "data is complete" in line]) == 1, "a shared finding comes once"
    alone = CliRunner().invoke(cli.doctor, ["two.yml"])
    assert alone.exit_code == 1 and "holds no finished stage 1" in alone.output
    backwards = CliRunner().invoke(cli.doctor, ["two.yml", "one.yml"])
    assert backwards.exit_code == 1 and "holds no finished stage 1" in backwards.output


def test_all_that_both_stages_lack_is_one_list(pair, work):
    changes = {"attn_implementation": "flash_attention_2", "datasets": [ENTRY | {"path": "./gone"}]}
    result = CliRunner().invoke(cli.doctor, ["--here", "--gpus", "8", *pair(**changes)])
    assert result.exit_code == 1
    for text in ("GPU: the training is for 8, none is here", "datasets: ./gone is not there", "make setup-gpu"):
        assert len([line for line in result.output.splitlines() if line.startswith("fail") and text in line]) >= 1, text


@pytest.mark.parametrize(
    ("changes", "other"),
    [({"vision_tower": "./dino"}, "vision_tower"), ({"vision_feature_layer": -1}, "vision_feature_layer")],
)
def test_a_stage_1_that_will_not_fit_is_found_before_it_runs(pair, quick, changes, other):
    found = [finding for _, finding in examine_all(pair(**changes)) if finding.text.startswith("projector.init_from")]
    (one,) = found
    assert one.level == "fail" and f"another {other}" in one.text and "one.yml" in one.text


def test_the_disk_holds_both_runs(pair, monkeypatch):
    texts = [finding.text for _, finding in examine_all(pair()) if finding.text.startswith("disk")]
    assert "the run takes" in texts[0] and "the 2 runs take" in texts[1]


DATA_LOADER = ("dataloader_num_workers", "dataloader_prefetch_factor")


@pytest.mark.parametrize(
    ("changes", "level", "expected"),
    [
        (dict.fromkeys(DATA_LOADER), "warn", (8, 256)),
        ({"dataloader_num_workers": 2, "dataloader_prefetch_factor": None}, "ok", (2, 2)),
        ({"dataloader_prefetch_factor": 64}, "ok", (4, 64)),
        ({"dataloader_num_workers": 0, "dataloader_prefetch_factor": None}, None, (0, 0)),
    ],
    ids=["Axolotl's default", "torch's default", "the recipe's", "no worker"],
)
def test_pixels_that_workers_decode_ahead(tmp_path, monkeypatch, changes, level, expected):
    """The 8B's packs on 8 GPUs: about 7 rows, a third of them with an image of 336 x 336 pixels."""
    monkeypatch.chdir(tmp_path)
    recipe = yaml.safe_load((RECIPES / "bimedix2_8b.yml").read_text(encoding="utf-8")) | changes
    found = [
        one for one in environment.room(DictDefault(recipe), 8, [], here=False) if one.text.startswith("data loader")
    ]
    assert [one.level for one in found] == ([level] if level else [])
    if level:
        text = found[0].text
        stated = re.search(r"(\d+) workers per GPU, each (\d+) batches ahead, hold about ([\d.]+) GB", text)
        assert (int(stated[1]), int(stated[2])) == expected
        images = math.prod(expected) * 7 / 3
        assert float(stated[3]) == pytest.approx(images * 3 * 336**2 * 4 / 1e9, rel=0.2, abs=0.05)
        assert ("Axolotl's default. Set dataloader_num_workers" in text) == (level == "warn")


def test_axolotl_lets_one_worker_decode_256_batches_ahead_unless_a_recipe_sets_a_key(workshop):
    cfg = runs.configuration()
    assert (cfg.dataloader_num_workers, cfg.dataloader_prefetch_factor) == (1, 256)
    cfg = runs.configuration(dataloader_num_workers=1)
    assert (cfg.dataloader_num_workers, cfg.dataloader_prefetch_factor) == (1, None)


def _stage_1(work, width=64):
    """Leave a finished stage 1 of the tiny parts."""
    out, shape = work / "stage1", projector.ProjectorShape("mlp2x_gelu", 32, width, -2)
    import torch

    weights = {name: torch.zeros(size) for name, size in projector.tensor_shapes(shape).items()}
    projector.save(out, asdict(shape), weights)
    configs = {
        part: json.loads((work / f / "config.json").read_text()) for part, f in (("base", "llama"), ("tower", "clip"))
    }
    (out / projector.FINISHED).write_text(json.dumps({"stage": "align", **configs}))


@pytest.mark.parametrize("width", [64, 128])
def test_stage_1_must_fit(write, work, quick, width):
    _stage_1(work, width)
    findings = list(examine(write(projector={"init_from": "./stage1"})))
    (one,) = [finding for finding in findings if finding.text.startswith("projector.init_from")]
    assert one.level == ("ok" if width == 64 else "fail")
    assert ("another base or tower" in one.text) == (width == 128)


@pytest.mark.parametrize(("change", "other"), [({}, None), ({"base": 1}, "base"), ({"stage": 1}, "stage")])
def test_another_run_in_the_output_folder(write, work, quick, change, other):
    configs = {
        part: json.loads((work / f / "config.json").read_text()) for part, f in (("base", "llama"), ("tower", "clip"))
    }
    out = work / "out"
    out.mkdir()
    if "base" in change:
        configs["base"]["hidden_size"] = 128
    if "stage" in change:
        (out / projector.WEIGHTS).touch()
    (out / "composition.json").write_text(json.dumps({part: {"config": config} for part, config in configs.items()}))
    (one,) = [finding for finding in examine(write()) if finding.text.startswith("output_dir")]
    assert one.level == ("fail" if other else "ok")
    assert other is None or f"a run of another {other}" in one.text


def _far(monkeypatch, tmp_path, offline=False, gate=None, cached=None):
    """Ask the doctor about a model whose weights are not here, with a Hub of our own."""

    class Api:
        def model_info(self, name, **_):
            file = type("File", (), {"rfilename": "a.safetensors", "size": 16e9})
            return type("Info", (), {"siblings": [file]})

    def auth_check(name):
        if gate:
            raise gate

    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: offline)
    monkeypatch.setattr(huggingface_hub, "auth_check", auth_check)
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    cfg = DictDefault(
        {"base_model": "meta-llama/Llama-3.1-8B-Instruct", "vision_tower": "openai/clip-vit-large-patch14-336"}
    )
    models = read_models(cfg, tmp_path)
    base = models.base
    if cached:
        shutil.copytree(base.folder, cached)
        (cached / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-00001.safetensors"}}')
        base = Source(base.name, cached, "commit")
        monkeypatch.setattr(inputs, "local_folder", lambda *_: cached)
    assert cfg.base_model in models.absent
    return next(inputs.weights("base_model", base, None))


def test_a_model_on_the_hub(monkeypatch, tmp_path):
    found = _far(monkeypatch, tmp_path)
    assert found.level == "warn" and "16 GB will be downloaded" in found.text


def test_a_model_that_the_caches_disk_cannot_hold(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(20e9, 10e9, 10e9))
    found = _far(monkeypatch, tmp_path)
    assert found.level == "fail" and "has 10 GB free. Set HF_HOME" in found.text


def test_a_model_that_only_the_hub_has_when_offline(monkeypatch, tmp_path):
    found = _far(monkeypatch, tmp_path, offline=True)
    assert found.level == "fail" and "HF_HUB_OFFLINE" in found.text


def test_a_model_whose_data_alone_was_prepared_is_still_to_be_downloaded(monkeypatch, tmp_path):
    """Preparing data leaves configuration and tokenizer in the Hub's cache, and with them the weights' index."""
    found = _far(monkeypatch, tmp_path, cached=tmp_path / "cached")
    assert found.level == "warn" and "16 GB will be downloaded" in found.text


def test_a_gated_model(monkeypatch, tmp_path):
    import httpx

    response = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co"))
    found = _far(monkeypatch, tmp_path, gate=GatedRepoError("access is restricted", response=response))
    assert found.level == "fail" and "hf auth login" in found.text
    assert "https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct" in found.text
