"""The table of verdicts: complete, true to its evidence, and what check, doctor and page make of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bimedix2_plugin.doctor.settings import settings
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.recipe import read
from bimedix2_plugin.settings import verdicts
from bimedix2_plugin.settings.page import PAGE, render
from bimedix2_plugin.settings.schema import key_names
from tests.helpers import runs

ROOT = Path(__file__).parents[2]
RECIPES = sorted(path for path in (ROOT / "recipes").rglob("*.yml") if path.parent.name not in ("data", "cluster"))
TABLE = verdicts.table()
HELPERS = "".join((ROOT / file).read_text() for file in ("tests/helpers/runs.py", "bimedix2_plugin/rehearse/ranks.py"))
REFUSED = [entry for entry in TABLE.entries if entry.verdict == verdicts.REFUSED]
WORKS = sorted({(key, entry.text) for entry in TABLE.entries if entry.verdict == verdicts.WORKS for key in entry.keys})


def _schemas_keys():
    """All keys of Axolotl, its bundled plugins included, those of test sets under `datasets`."""
    from axolotl.integrations.base import PluginManager
    from axolotl.integrations.config import merge_input_args
    from axolotl.utils.config import prepare_plugins
    from axolotl.utils.dict import DictDefault

    from bimedix2_plugin.args import BiMediX2Args

    before = PluginManager.get_instance().plugins
    try:
        PluginManager.get_instance().plugins = type(before)()
        prepare_plugins(DictDefault({}))
        found = set(key_names(merge_input_args()[1])) - set(BiMediX2Args.model_fields)
    finally:
        PluginManager.get_instance().plugins = before
    return {key.replace("test_datasets", "datasets", 1) for key in found}


@pytest.fixture(scope="module")
def schemas_keys():
    return _schemas_keys()


def _differences(names, keys):
    """Keys of Axolotl that the table lacks, and names in the table that Axolotl lacks."""
    missing = {key for key in keys if not any(verdicts.covers(name, key) for name in names)}
    return missing, {name for name in names if not any(verdicts.covers(name, key) for key in keys)}


def test_the_table_holds_axolotls_keys_and_no_others(schemas_keys):
    missing, dropped = _differences(TABLE.names(), schemas_keys)
    assert not missing, f"new in Axolotl: judge them, or add them to `untested` in {verdicts.FILE}"
    assert not dropped, f"Axolotl has dropped them: remove them from {verdicts.FILE}"


def test_a_new_key_and_a_dropped_key_are_seen(schemas_keys):
    names = TABLE.names()
    assert _differences(names, schemas_keys | {"brand_new"})[0] == {"brand_new"}
    assert _differences(names, schemas_keys | {"fsdp_config.brand_new"})[0] == {"fsdp_config.brand_new"}
    assert _differences(names, schemas_keys - {"bf16"})[1] == {"bf16"}


def test_each_entry_has_keys_one_verdict_and_perhaps_values():
    for items in yaml.safe_load(verdicts.FILE.read_text(encoding="utf-8"))["topics"].values():
        for item in items:
            assert len({*item} & {*verdicts.VERDICTS}) == 1 and {*item} <= {"keys", "values", *verdicts.VERDICTS}, item


def test_only_what_is_refused_or_untested_stands_for_the_keys_below_it():
    for entry in TABLE.entries:
        assert entry.verdict == verdicts.REFUSED or not any(key.endswith(".*") for key in entry.keys)


def test_no_key_has_two_verdicts_for_one_value():
    for key in TABLE.names():
        entries = [entry for entry in TABLE.entries if key in entry.keys]
        assert not (entries and key in TABLE.untested), key
        assert all(entry.values for entry in entries[:-1]), f"{key}: only its last entry may be about all values"
        values = [str(value) for entry in entries for value in entry.values]
        assert len(values) == len(set(values)), key


@pytest.mark.parametrize(("key", "evidence"), WORKS, ids=[key for key, _ in WORKS])
def test_what_works_is_set_by_the_recipe_or_the_test_that_is_named(key, evidence):
    file, _, name = evidence.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    if not name:
        assert key in {found for found, _ in verdicts.set_keys(yaml.safe_load(text))}
        return
    assert name in {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    assert key.rpartition(".")[2] in text + HELPERS


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_set_nothing_that_is_refused_untested_or_without_effect(path):
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert not verdicts.refusals(recipe)
    assert not verdicts.untested(recipe)
    assert not verdicts.findings(recipe, verdicts.NO_EFFECT)


def _setting(key, value):
    """A recipe with one key, as nested mappings."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _refused_value(entry):
    return entry.values[0] if entry.values else "anything"


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry.keys[0])
def test_each_refused_setting_is_one_line_with_key_remedy_and_reason(entry):
    for name in entry.keys:
        key = name.replace(".*", ".anything")
        (problem,) = verdicts.refusals(_setting(key, _refused_value(entry)))
        assert problem.startswith((f"{key}: ", f"{name.removesuffix('.*')}: ")) and "leave it out; " in problem
        assert problem.endswith(f"{entry.text}.") and "\n" not in problem


@given(
    st.lists(st.sampled_from([e for e in REFUSED if "." not in e.keys[0]]), max_size=9, unique_by=lambda e: e.keys[0])
)
def test_all_refused_settings_of_a_recipe_are_listed_in_its_order(entries):
    recipe = {entry.keys[0]: _refused_value(entry) for entry in entries}
    assert [problem.partition(":")[0] for problem in verdicts.refusals(recipe)] == list(recipe)


@given(st.sampled_from(sorted({key for e in REFUSED if not e.values for key in e.keys if "." not in key})))
def test_a_setting_that_is_switched_off_is_not_refused(key):
    for off in (None, False, 0, "", [], {}):
        assert not verdicts.refusals({key: off}) and not verdicts.untested({key: off})


def test_the_values_that_are_allowed_are_named():
    (problem,) = verdicts.refusals({"peft_init_lora_weights": "pissa"})
    assert problem.startswith("peft_init_lora_weights: set it to true or gaussian or orthogonal, or leave it out; ")
    for value in (True, False, "gaussian", "orthogonal"):
        assert not verdicts.refusals({"peft_init_lora_weights": value})


def test_keys_of_a_test_set_are_judged_as_those_of_a_data_set():
    (problem,) = verdicts.refusals({"test_datasets": [{"path": "x", "roles_to_train": ["user"]}]})
    assert problem.startswith("test_datasets.roles_to_train: leave it out; ")


def test_a_run_is_refused_with_the_reasons(work):
    with pytest.raises(RecipeError) as caught:
        runs.configuration(peft_use_dora=True, load_in_8bit=True, train_on_inputs=True, tensor_parallel_size=2)
    keys = [problem.partition(":")[0] for problem in caught.value.problems]
    assert keys == ["peft_use_dora", "load_in_8bit", "train_on_inputs", "tensor_parallel_size"]


def test_the_command_lines_settings_are_refused_too(work):
    """As `axolotl train recipe.yml --load-in-8bit --fsdp-config.offload-params` passes them on."""
    from axolotl.cli.config import load_cfg

    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe()), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_cfg("recipe.yml", load_in_8bit="True", fsdp_config__offload_params=True)
    keys = [problem.partition(":")[0] for problem in caught.value.problems]
    assert {"load_in_8bit", "fsdp_config.offload_params"} <= set(keys)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_packing": False}, "balance_labels: leave it out without sample_packing"),
        ({"load_in_4bit": True}, "load_in_4bit: set adapter: qlora"),
        (runs.ALIGN | {"load_best_model_at_end": True}, "load_best_model_at_end: leave it out"),
        (
            {"adapter": "qlora", "load_in_4bit": True, "fsdp_config": {"cpu_ram_efficient_loading": True}},
            "fsdp_config.cpu_ram_efficient_loading: leave it out with load_in_4bit",
        ),
    ],
)
def test_settings_that_fail_together_are_refused(work, changes, message):
    with pytest.raises(RecipeError, match=message):
        runs.configuration(**changes)


def _warnings(**changes):
    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)), encoding="utf-8")
    return [str(finding) for finding in settings(read("recipe.yml"))]


def test_the_doctor_names_what_is_without_effect_never_run_or_untested(work):
    changes = {"pad_to_sequence_len": True, "use_trackio": True, "attn_implementation": "flash_attention_2"}
    assert _warnings(**changes) == [
        "warn  pad_to_sequence_len: no effect here; a pack is not padded",
        "warn  attn_implementation: flash_attention_2: never run by this project; it needs a GPU",
        "warn  use_trackio: never tried by this project; compare the first losses without it",
    ]
    assert _warnings() == []


def test_the_page_shows_the_table():
    assert PAGE.read_text(encoding="utf-8") == render(), "write it again: python -m bimedix2_plugin.settings"
