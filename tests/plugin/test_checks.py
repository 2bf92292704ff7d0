"""Recipes are checked as written, before anything runs, and all problems are told together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.settings.schema import unknown_keys
from tests.helpers import runs
from tests.helpers.native_runs import WHOLE


def _problems(**changes):
    with pytest.raises(RecipeError) as caught:
        runs.configuration(**changes)
    return caught.value.problems


def test_misspelt_keys_are_errors_and_all_are_listed(work):
    changes = {"vision_towr": "x", "learing_rate": 1, "projector": {"learing_rate": 1.0}}
    problems = _problems(**changes)
    assert len(problems) == 3
    assert any(p.startswith("vision_towr: no such key. Did you mean vision_tower?") for p in problems)
    assert any(p.startswith("learing_rate: no such key. Did you mean learning_rate?") for p in problems)
    assert any(p.startswith("projector.learing_rate: no such key. Did you mean learning_rate?") for p in problems)


def test_misspelt_key_of_a_dataset(work):
    entry = runs.RECIPE["datasets"][0] | {"splt": "train"}
    assert _problems(datasets=[entry]) == ["datasets.splt: no such key. Did you mean split?"]


def test_an_option_that_axolotl_does_not_know_is_not_dropped(work):
    """Without `--launcher python` the launcher refuses it."""
    from axolotl.cli.main import cli

    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe()), encoding="utf-8")
    options = ["--launcher", "python", "--learing-rate", "1", "--vision-tower=./x"]
    error = CliRunner().invoke(cli, ["train", "recipe.yml", *options]).exception
    assert isinstance(error, RecipeError)
    assert [problem.partition(":")[0] for problem in error.problems] == ["--learing-rate", "--vision-tower=./x"]


def test_unknown_keys_goes_into_nested_models():
    from axolotl.utils.schemas.config import AxolotlInputConfig

    assert unknown_keys({"lora_r": 8, "datasets": [{"path": "x", "type": "y"}]}, AxolotlInputConfig) == []
    assert unknown_keys({"sample_packin": True}, AxolotlInputConfig) == [
        "sample_packin: no such key. Did you mean sample_packing?"
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"excess_length_strategy": None}, "excess_length_strategy: set it to raise"),
        ({"excess_length_strategy": "drop"}, "excess_length_strategy: set it to raise"),
        ({"remove_unused_columns": None}, "remove_unused_columns: set it to false"),
        ({"balance_labels": None}, "balance_labels: set it to true"),
        ({"vision_tower": None}, "image_aspect: leave it out, or name a vision_tower"),
        ({"base_model": None}, "base_model: name a model"),
        ({"adapter": None}, "lora_r: set adapter to lora or qlora, or leave it out"),
        ({"adapter": "mixlora"}, "adapter: set it to lora or qlora, or leave it out"),
        ({**WHOLE, "vision_lora": {"r": 2, "alpha": 4}}, "vision_lora: set adapter to lora or qlora"),
        ({**WHOLE, "load_in_4bit": True}, "load_in_4bit: set adapter: qlora"),
        ({**WHOLE, "load_best_model_at_end": True}, "load_best_model_at_end: leave it out"),
        ({**WHOLE, "fsdp_config": {"fsdp_version": 2}}, "set it to FULL_STATE_DICT or SHARDED_STATE_DICT"),
        (WHOLE | {"fsdp_config": {"state_dict_type": "SHARDED_STATE_DICT"}}, "save_strategy: leave it out; Axolotl"),
        ({**WHOLE, "merge_lora": True}, "nothing to merge; ./out holds the whole checkpoint"),
        ({"vision_lora": {"r": 2, "alpha": 4}, "lora_target_modules": ["q_proj"]}, "as a regular expression"),
        ({"vision_lora": {"rank": 2}}, "vision_lora.rank: no such key"),
        ({**runs.ALIGN, "vision_lora": {"r": 2, "alpha": 4}}, "vision_lora: leave it out; stage align"),
        ({"stage": "align"}, "adapter: leave it out; stage align"),
        ({"lora_target_linear": True}, "lora_target_linear: leave it out"),
        ({"image_size": 224}, "image_size: leave it out"),
        ({"lora_modules_to_save": ["lm_head"]}, "lora_modules_to_save: leave it out"),
        ({"stage": "align", "adapter": None, "deepspeed": "x.json"}, "deepspeed: leave it out"),
        ({"datasets": [{"path": "./data", "type": "alpaca"}]}, "type must be bimedix2_plugin.conversation"),
    ],
)
def test_settings_that_would_go_wrong_in_silence(work, changes, message):
    assert any(message in problem for problem in _problems(**changes))


def test_a_missing_data_folder_names_the_command_and_is_not_looked_up(work):
    entry = runs.RECIPE["datasets"][0] | {"path": "data/bimed-v"}
    (problem,) = _problems(datasets=[entry])
    assert "data/bimed-v is not there" in problem
    assert "Write recipes/data/bimed_v.yml" in problem
    assert "python -m data_prep build recipes/data/bimed_v.yml --out data/bimed-v" in problem


def test_a_data_folder_that_a_shipped_mixture_makes(work):
    (work / "recipes" / "data").mkdir(parents=True)
    (work / "recipes" / "data" / "quickstart.yml").touch()
    entry = runs.RECIPE["datasets"][0] | {"path": "./data/quickstart"}
    (problem,) = _problems(datasets=[entry])
    assert problem.endswith(
        "Build it: `python -m data_prep build recipes/data/quickstart.yml --out ./data/quickstart`."
    )


def test_an_adapter_is_merged_where_its_data_is_gone(work):
    shutil.rmtree(work / "data")
    gone = {"projector": {"init_from": "./gone"}}
    runs.configuration(inference=True, lora_model_dir="./out", **gone)
    cfg = runs.configuration(lora_model_dir="./out", **gone)
    with pytest.raises(ValueError, match=rf"could not be loaded.*{work / 'data'}"):
        runs.datasets(cfg)


def test_a_data_folder_without_manifest_is_not_complete(work):
    (work / "data" / "manifest.json").unlink()
    (problem,) = _problems()
    assert "./data has no manifest.json, so it is not complete" in problem


def test_a_split_that_is_not_there(work):
    entry = runs.RECIPE["datasets"][0] | {"split": "heldout"}
    assert _problems(datasets=[entry]) == ["datasets: ./data has no split 'heldout'; it has test, train."]


def test_problems_of_every_kind_come_together(work):
    shutil.rmtree(work / "data")
    assert len(_problems(vision_towr="x", balance_labels=None)) == 3


@pytest.mark.parametrize("value", [{"r": 2}, {"r": 0, "alpha": 1}, {"r": 2, "alpha": 4, "learning_rate": -1.0}])
def test_a_wrong_vision_lora_is_reported(work, value):
    with pytest.raises(ValueError, match="vision_lora"):
        runs.configuration(vision_lora=value)


@pytest.mark.parametrize("value", ["mlp3x", ""])
def test_axolotl_reports_a_wrong_value(work, value):
    with pytest.raises(ValueError, match="kind"):
        runs.configuration(projector={"kind": value})
