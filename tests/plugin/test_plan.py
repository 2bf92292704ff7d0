"""The plan as a user gets it: `axolotl bimedix2-plan`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bimedix2_plugin import cli
from bimedix2_plugin.plan import report
from bimedix2_plugin.plan.memory import GIB, GPUS
from tests.helpers import runs

RECIPES = Path(__file__).parents[2] / "recipes"
BASES = {"8b": "meta-llama/Llama-3.1-8B-Instruct", "70b": "meta-llama/Llama-3.1-70B-Instruct"}


def _run(*arguments):
    return CliRunner().invoke(cli.plan, [str(argument) for argument in arguments])


def _json(*arguments):
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def of_size(tmp_path, monkeypatch):
    """The shipped 8B recipe with another base, where no data is built and no model is."""
    monkeypatch.chdir(tmp_path)

    def write(size, **changes):
        recipe = yaml.safe_load((RECIPES / "bimedix2_8b.yml").read_text(encoding="utf-8"))
        path = tmp_path / f"{size}.yml"
        path.write_text(yaml.safe_dump(recipe | {"base_model": BASES[size]} | changes), encoding="utf-8")
        return path

    return write


def test_a_full_size_recipe_without_its_files(of_size):
    plan = _json(of_size("8b"), "--gpus", 8)
    assert plan["parameters"]["LoRA"] == {"count": 20_971_520, "trained": True}
    assert plan["data"]["assumed"] and plan["data"]["source"] == "table bimed-v"
    assert any("published sizes of meta-llama/Llama-3.1-8B-Instruct" in text for text in plan["assumptions"])
    assert plan["step"]["rows"] == pytest.approx(plan["steps"] and 1_691_407 / plan["steps"], rel=0.01)
    assert 0.9 < plan["step"]["fill"] <= 1
    assert plan["memory"]["ddp"]["frozen weights"] > 2 * 8.03e9
    assert plan["disk"]["merged checkpoint"] == pytest.approx(2 * 8.35e9, rel=0.01)
    assert plan["disk"]["weights to download"] == pytest.approx(2 * 8.03e9 + 4 * 0.3035e9, rel=0.001)


def test_70b_does_not_fit_whole_and_the_plan_says_what_does(of_size):
    plan = _json(of_size("70b"), "--gpus", 8)
    needs = {mode: sum(parts.values()) / GIB for mode, parts in plan["memory"].items()}
    assert needs["ddp"] > 80 > needs["zero3"] == needs["fsdp2"]
    limit = plan["limits"][0]
    assert "DOES NOT FIT: ddp" in limit and "most of it frozen weights" in limit and "What fits: zero3" in limit


def test_hours_follow_from_operations_gpu_and_the_stated_share(of_size):
    path = of_size("8b")
    plan, half = _json(path, "--gpus", 8), _json(path, "--gpus", 8, "--utilisation", 0.2, "--gpu", "a100-80g")
    assert plan["hours"] == pytest.approx(sum(plan["operations"].values()) / (8 * 989.5e12 * 0.4) / 3600)
    assert half["hours"] == pytest.approx(plan["hours"] * 2 * 989.5 / 312)


@pytest.mark.parametrize(("hours", "text"), [(3.4e-5, "under 0.1"), (0.1, "0.1"), (2.345, "2.3"), (1234.5, "1,234")])
def test_hours_are_rounded(of_size, hours, text):
    plan = _json(of_size("8b")) | {"hours": hours}
    assert f"\nhours: {text} at 40% of the peak" in report.render(plan)


def test_checkpointing_trades_operations_for_memory(of_size):
    with_it, without = _json(of_size("8b")), _json(of_size("8b", gradient_checkpointing=False))
    assert sum(with_it["operations"].values()) > 1.25 * sum(without["operations"].values())
    assert with_it["memory"]["ddp"]["activations"] < 0.1 * without["memory"]["ddp"]["activations"]


def test_fsdps_own_checkpointing_is_checkpointing(of_size):
    fsdp = {"fsdp_version": 2, "reshard_after_forward": True}
    usual = _json(of_size("70b", fsdp_config=fsdp), "--gpus", 8)
    own = fsdp | {"activation_checkpointing": True}
    made = _json(of_size("70b", fsdp_config=own, gradient_checkpointing=False), "--gpus", 8)
    for part in ("operations", "hours"):
        assert made[part] == usual[part]
    assert made["memory"]["fsdp2"] == usual["memory"]["fsdp2"]


def test_what_limits_follows_from_the_rows_per_gpu_and_from_the_interconnect(tmp_path, monkeypatch):
    """Stage 1 of the 70B, on 8 H100: as many bytes are gathered for a batch of 1 row as for one of 8."""
    monkeypatch.chdir(tmp_path)
    recipe = yaml.safe_load((RECIPES / "bimedix2_70b_stage1.yml").read_text(encoding="utf-8"))

    def planned(rows, *arguments):
        (tmp_path / "recipe.yml").write_text(yaml.safe_dump(recipe | {"micro_batch_size": rows}), encoding="utf-8")
        return _json("recipe.yml", "--gpus", 8, *arguments)

    one, eight, between_nodes = planned(1), planned(8), planned(8, "--interconnect", "infiniband-ndr")
    assert one["communication"]["step"]["fsdp2"] == eight["communication"]["step"]["fsdp2"]
    assert one["communication"]["run"]["fsdp2"] == pytest.approx(8 * eight["communication"]["run"]["fsdp2"], rel=1e-3)
    assert one["hours"] == eight["hours"] == between_nodes["hours"]
    hours = eight["communication"]["hours"]["fsdp2"]
    assert between_nodes["communication"]["hours"]["fsdp2"] == pytest.approx(9 * hours)
    limits = [plan["limits"][-1].partition(":")[0] for plan in (one, eight, between_nodes)]
    assert limits == ["communication", "computing", "communication"]


def test_a_built_set_is_tokenised(work):
    (work / "recipe.yml").write_text(yaml.safe_dump(runs.recipe()), encoding="utf-8")
    plan = _json("recipe.yml")
    assert not plan["data"]["assumed"] and plan["data"]["source"] == "./data: 24 of 24 rows tokenized"
    kinds = plan["data"]["kinds"]
    assert sum(kind["rows"] for kind in kinds.values()) == 24 and set(kinds) >= {"ar image", "en text"}
    assert plan["assumptions"] == [plan["assumptions"][0]]
    assert plan["disk"]["weights to download"] == 0


def test_the_table_for_a_reader(work):
    (work / "recipe.yml").write_text(yaml.safe_dump(runs.recipe()), encoding="utf-8")
    result = _run("recipe.yml", "--gpus", 2, "--gpu", "rtx4090-24g")
    assert result.exit_code == 0, result.output
    for text in (
        "stage instruct, ddp, 2 x rtx4090-24g",
        "fits in 24",
        "ddp *",
        "assumed, not measured",
        "limit: memory",
        "sent by a GPU over pcie4",
        "limit: computing: over pcie4, communication takes",
    ):
        assert text in result.output
    assert "ASSUMED" not in result.output
    table = _run("recipe.yml", "--lengths", "bimed-v").output
    assert "table bimed-v with Arabic 2 times as long (ASSUMED lengths)" in table  # the tiny vocabulary spells it


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, ["--gpu", "h1000"], "known: a100-40g"),
        ({}, ["--interconnect", "string"], "known: nvlink-a100"),
        ({}, ["--lengths", "x"], "no table 'x'; there are align, bimed-v, bimed-v-ar, bimed-v-en"),
        ({"base_model": "org/new"}, [], "base_model: org/new is not on this disk"),
        ({"vision_tower": None}, [], "base_model: ./llama is of model type 'llama', which does not see"),
        ({"sequence_len": None}, [], "recipe.yml: add sequence_len"),
        ({"datasets": [{"path": "./gone"}]}, [], "datasets: gone is not built"),
    ],
)
def test_what_cannot_be_planned(work, changes, arguments, message):
    (work / "recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)), encoding="utf-8")
    result = _run("recipe.yml", *arguments)
    assert result.exit_code and message in result.output


def test_what_is_not_a_recipe(tmp_path):
    path = tmp_path / "recipe.yml"
    for content in ("- a list", "{", ""):
        path.write_text(content)
        result = _run(path)
        assert result.exit_code == 1 and str(path) in result.output


def test_gpus_name_their_memory():
    for name, gpu in GPUS.items():
        assert name.endswith(f"-{gpu.memory:g}g")
