"""What stops a rehearsal: one clear message before the first command, and nothing left behind."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bimedix2_plugin import cli
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.recipe import read
from bimedix2_plugin.rehearse import inputs
from bimedix2_plugin.rehearse.rehearsal import rehearse
from tests.helpers import rehearsed, runs, tiny_data

USAGE = namedtuple("usage", "total used free")


@pytest.fixture
def place(work):
    """A folder with stage 2's recipe and stage 1's over tiny parts."""
    align = runs.recipe(**runs.ALIGN, output_dir="./stage1")
    Path("recipes").mkdir()
    Path("recipes/mine_stage1.yml").write_text(yaml.safe_dump(align))
    instruct = runs.recipe(projector={"init_from": "./stage1"}, output_dir="./stage2")
    Path("recipes/mine.yml").write_text(yaml.safe_dump(instruct))
    return work


def never(arguments, log):
    raise AssertionError(f"{arguments} was run")


def stopped(recipe="recipes/mine.yml", **options):
    """Return the message with which a rehearsal stops before its first command; nothing may be left."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(RecipeError) as caught:
        rehearse(recipe, run=never, say=lambda line: None, **options)
    assert sorted(Path().rglob("*")) == before
    return str(caught.value)


def change(name, **keys):
    path = Path("recipes") / name
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | keys))


def test_more_gpus_than_there_are(place):
    assert stopped(gpus=8).startswith("--gpus 8: this machine has 0.")


def test_kernels_that_cannot_be_downloaded(place):
    change("mine.yml", attn_implementation="flash_attention_2")
    contents = {"instruct": read("recipes/mine.yml")}
    inputs.check_kernels(contents, 0)
    with pytest.raises(
        RecipeError, match=r"attn_implementation: flash_attention_2 cannot be used here: .*make setup-gpu"
    ):
        inputs.check_kernels(contents, 1)


def test_a_disk_too_small(place, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: USAGE(10**9, 0, 10**9))
    assert "1.0 GB are free. Free some space" in stopped()


def test_a_stage_1_without_a_recipe(place):
    Path("recipes/mine_stage1.yml").unlink()
    assert "no *_stage1.yml beside recipes/mine.yml has output_dir: ./stage1" in stopped()


def test_a_base_that_nobody_knows(place):
    change("mine.yml", base_model="nobody/model")
    assert "base_model: nobody/model is not on this disk" in stopped()


def test_a_tokenizer_that_cannot_be_read(place):
    Path("llama/tokenizer.json").write_text("{")
    assert "the tokenizer in llama cannot be read" in stopped()


def test_a_dataset_that_is_not_built_and_no_quickstart(place):
    change("mine_stage1.yml", datasets=[runs.RECIPE["datasets"][0] | {"path": "./data/mine"}])
    assert "./data/mine: not built, and" in stopped()


def test_a_dataset_without_a_row_for_the_stage(place):
    tiny_data.dataset("text", with_images=False)
    assert "text has no row with one image and one answer in its split 'train'" in stopped(data=Path("text"))


def test_a_folder_that_is_no_dataset(place):
    assert "no dataset, it has no manifest.json" in stopped(data=Path("llama"))


def test_a_misspelt_key(place):
    change("mine.yml", learing_rate=1e-3)
    assert "learing_rate: no such key. Did you mean learning_rate?" in stopped()


def test_a_file_that_is_no_recipe(place):
    Path("recipes/none.yml").write_text("- 1")
    assert "holds no keys" in stopped("recipes/none.yml")


def test_an_interruption_leaves_nothing(place):
    def interrupted(arguments, log):
        raise KeyboardInterrupt

    before = sorted(Path().rglob("*"))
    with pytest.raises(KeyboardInterrupt):
        rehearse("recipes/mine.yml", run=interrupted, say=lambda line: None)
    assert sorted(Path().rglob("*")) == before


def test_a_command_that_fails_ends_the_rehearsal_with_its_last_lines(place):
    def failing(arguments, log):
        log.write_text("many\nlines\nthe kernel cannot be downloaded\n")
        return 3

    lines = []
    report = rehearse("recipes/mine.yml", run=failing, say=lines.append)
    assert not report.passed and report.failure == "stage 1: prepare the data: ended with exit status 3"
    assert "the kernel cannot be downloaded" in "\n".join(lines)
    kept = sorted(path.name for path in Path("outputs/rehearsals/mine").iterdir())
    assert kept == ["report.json", "report.md"]
    assert "the kernel cannot be downloaded" in Path("outputs/rehearsals/mine/report.md").read_text()


def test_the_command_line_says_one_line_and_ends_with_1(place):
    result = CliRunner().invoke(cli.rehearse, ["recipes/mine.yml", "--gpus", "64"])
    assert result.exit_code == 1 and result.output.startswith("Error: --gpus 64: this machine has ")


def test_an_existing_file_of_the_quickstart_is_found_for_every_recipe():
    assert (rehearsed.RECIPES / "data" / "quickstart.yml").is_file()
    assert inputs.pair_of(rehearsed.RECIPES / "bimedix2_8b.yml").keys() == {"align", "instruct"}
    assert inputs.pair_of(rehearsed.RECIPES / "bimedix2_8b_stage1.yml").keys() == {"align"}
