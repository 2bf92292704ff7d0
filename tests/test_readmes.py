"""The READMEs, CONTRIBUTING and the recipes' headers: every command, flag and path in them exists."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.helpers import documents
from tests.helpers.layouts.jpeg import save

ROOT = Path(__file__).parents[1]
ROOMS = ("bimedix2_plugin", "data_prep", "eval", "recipes", "tests")  # outputs/ and data/ hold cards of their own
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(page for room in ROOMS for page in (ROOT / room).rglob("README.md")),
    ]
)
HEADERS = sorted(
    path
    for suffix in ("yml", "slurm")
    for path in (ROOT / "recipes").rglob(f"*.{suffix}")
    if path.parent.name != "prompts"
)
FRONT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The project's folders as a reader has them who has copied the front page's two recipes."""
    for path in ROOT.iterdir():
        if not path.name.startswith(".") and path.name not in ("recipes", "data", "outputs", "parts"):
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    for source, target in re.findall(r"^    cp (\S+) (\S+)$", FRONT, re.MULTILINE):
        shutil.copy(ROOT / source, tmp_path / target)
    (tmp_path / "recipes/data/mine.yml").write_text(_mixture(), encoding="utf-8")
    (tmp_path / "ray_8b.yml").touch()  # what recipes/cluster/ray.yml says to write
    for folder in ("results/8b", "outputs/bimedix2_8b/merged"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _mixture():
    (block,) = re.findall(r"```yaml\n(name: mine\n.*?)```", FRONT, re.DOTALL)
    return block


def _name(path):
    return path.relative_to(ROOT).as_posix()


def test_pages_are_found():
    assert {"README.md", "CONTRIBUTING.md", "recipes/README.md", "data_prep/README.md"} <= {
        _name(page) for page in PAGES
    }
    assert {"eval/README.md", "bimedix2_plugin/README.md", "tests/bench/README.md"} <= {_name(page) for page in PAGES}
    assert len(HEADERS) == 33 + 7 + 4 + 7


def test_the_front_page_is_short():
    assert len(FRONT.splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_of_a_page_are_known_to_the_programs(place, page):
    commands = documents.commands(page.read_text(encoding="utf-8"))
    assert commands
    assert [problem for command in commands for problem in documents.problems(command, place)] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_paths_of_a_page_exist(place, page):
    text = page.read_text(encoding="utf-8")
    assert documents.missing_links(text, page.parent) == []
    assert documents.missing_paths(text, place) == []


@pytest.mark.parametrize("path", HEADERS, ids=_name)
def test_commands_and_paths_of_a_header_are_known(place, path):
    text = documents.header(path.read_text(encoding="utf-8"))
    commands = documents.commands(text)
    assert commands
    assert [problem for command in commands for problem in documents.problems(command, place)] == []
    assert documents.missing_paths(text, place, bare=True) == []


@pytest.mark.parametrize("page", ["README.md", "recipes/README.md", "data_prep/README.md", "eval/README.md"])
def test_a_page_shows_commands_of_its_programs(page):
    programs = {" ".join(command[:3]) for command in documents.commands((ROOT / page).read_text(encoding="utf-8"))}
    wanted = {
        "README.md": {"make quickstart", "python -m data_prep", "python -m eval", "axolotl train recipes/mine.yml"},
        "recipes/README.md": {"make train-8b", "axolotl merge-lora recipes/bimedix2_8b.yml"},
        "data_prep/README.md": {"python -m data_prep"},
        "eval/README.md": {
            "python -m eval",
            ".venv-vllm/bin/python -m eval",
            "make setup-vllm",
            "make serve MODEL=outputs/bimedix2_8b/merged",
        },
    }[page]
    assert wanted <= programs


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("make quickstar", "quickstar"),
        ("make data ROOD=/data/raw", "ROOD"),
        ("python -m data_prep build recipes/data/mine.yml --output data/mine", "--out"),
        ("python -m data_prep build recipes/data/mine.yml --out data/mine --allow-missin", "--allow-missin"),
        ("python -m data_prep rebuild recipes/data/mine.yml", "rebuild"),
        ("python -m eval run --model outputs/mine --data data/mine --splt test --out results/mine", "--splt"),
        ("python -m eval run --engine vlm …", "vlm"),
        ("python -m eval run --engin vllm …", "--engin"),
        ("python -m eval report results/8b --starred bleu4=times10 --agains published", "--agains"),
        ("python -m tests.bench.trainings --rows 4", "trainings"),
        ("python -m tests.bench.training --row 4", "--row"),
        ("axolotl trian recipes/mine.yml", "trian"),
        ("axolotl train recipes/mein.yml", "mein"),
        ("axolotl train recipes/mine.yml --laucher python", "--laucher"),
        ("axolotl bimedix2-plan recipes/mine.yml --gpu-count 8", "--gpu-count"),
        ("axolotl merge-lora recipes/mine.yml --lora-model outputs/mine", "--lora-model"),
        ("sbatch recipes/cluster/trian.slurm recipes/mine.yml", "trian"),
    ],
)
def test_a_misspelt_command_is_found(place, broken, problem):
    for text in (f"    {broken}   # a comment\n", f"Run `{broken}` first."):
        (command,) = documents.commands(text)
        assert any(problem in found for found in documents.problems(command, place)), broken


def test_a_wrong_path_is_found(place):
    assert documents.missing_links("[a](recipes/README.md#run-one) [b](recipes/NO.md)", ROOT) == ["recipes/NO.md"]
    assert documents.missing_paths("`recipes/bimedix2_8b.yml`, `recipes/bimedix_8b.yml`", place) == [
        "recipes/bimedix_8b.yml"
    ]


def _first_column(page):
    """What stands in code spans in the first cell of a table's rows."""
    rows = re.findall(r"^\| (.*?) \|", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_key_of_the_plugin_is_explained():
    from bimedix2_plugin.args import BiMediX2Args, ProjectorArgs, VisionLoraArgs

    nested = {"projector": ProjectorArgs, "vision_lora": VisionLoraArgs}
    keys = set(BiMediX2Args.model_fields) - nested.keys()
    keys |= {f"{name}.{key}" for name, args in nested.items() for key in args.model_fields}
    assert keys <= _first_column("recipes/README.md")


def test_every_recipe_is_in_the_table():
    named = _first_column("recipes/README.md")
    recipes = [
        path for path in HEADERS if path.suffix == ".yml" and path.parent.name not in ("data", "cluster", "curation")
    ]
    names = [path.relative_to(ROOT / "recipes").with_suffix("").as_posix() for path in recipes]
    assert {name.removesuffix("_stage1") if not name.startswith("ablations") else name for name in names} <= named


def test_every_reader_and_every_key_of_a_mixture_is_explained():
    from data_prep import keys
    from data_prep.mixture import Mixture
    from data_prep.sources import READERS

    named = _first_column("data_prep/README.md")
    assert {*READERS} <= named
    assert keys.fields(Mixture).keys() - {"entries", "missing"} <= named


def test_every_benchmark_is_in_the_table(tmp_path, capsys):
    from eval.cli import main

    assert main(["benchmarks", "--root", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    known = [line.split()[0] for line in printed.partition("\n\n")[0].splitlines()[2:]]
    (clinical,) = re.findall(r"^--suite clinical: (.*)$", printed, re.MULTILINE)
    named = set(re.findall(r"`([\w*]+)`", (ROOT / "eval/README.md").read_text(encoding="utf-8")))
    patterns = [re.compile(name.replace("*", ".*")) for name in named]
    assert len(known) > 30
    assert [n for n in known if n not in clinical.split(", ") and not any(p.fullmatch(n) for p in patterns)] == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_front_pages_own_data_is_built(place, tmp_path):
    from data_prep.__main__ import main

    rows = []
    for number in range(3):
        save(tmp_path / "raw" / "my-images" / f"{number}.jpg", number)
        said = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": f"It is scan {number}."}]
        rows.append({"id": str(number), "image": f"{number}.jpg", "conversations": said})
    (tmp_path / "raw" / "mine.json").write_text(json.dumps(rows), encoding="utf-8")
    command = ["build", "recipes/data/mine.yml", "--root", "raw", "--out", "data/mine", "--workers", "1"]
    assert main(command) == 0
    manifest = json.loads((place / "data/mine/manifest.json").read_text(encoding="utf-8"))
    assert manifest["written"] == 3 and not manifest["ledger"]


def test_the_lines_that_the_front_page_changes_are_in_the_recipes_that_it_copies():
    first, second = (
        yaml.safe_load((ROOT / "recipes" / name).read_text(encoding="utf-8"))
        for name in ("bimedix2_8b_stage1.yml", "bimedix2_8b.yml")
    )
    for recipe, key in ((first, "output_dir"), (second, "output_dir"), (second["projector"], "init_from")):
        assert re.search(rf"`[^`]*{key}: \./outputs/mine", FRONT) and key in recipe
    assert "path: ./data/mine" in FRONT and {"path", "split", "type"} == {*first["datasets"][0]}
