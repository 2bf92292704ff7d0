"""The shipped mixtures over complete downloads, as they are and without an option."""

import json
from pathlib import Path

import pytest
import yaml

from data_prep.__main__ import main
from tests.helpers import downloads
from tests.helpers.downloads import vqa

RECIPES = Path(__file__).parents[2] / "recipes/data"
SHIPPED = sorted(path.stem for path in RECIPES.glob("*.yml") if not path.stem.startswith("quickstart"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    downloads.make(folder)
    return folder


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mixture_builds_from_complete_downloads(name, root, tmp_path, capsys):
    """BiMed1.3M is not published: its entries are left out where there are any."""
    given = yaml.safe_load((RECIPES / f"{name}.yml").read_text())
    readers = [entry["reader"] for entry in given["sources"]]
    option = ["--allow-missing"] if "bimed13m" in readers else []
    out = tmp_path / "out"
    assert main(["build", str(RECIPES / f"{name}.yml"), "--root", str(root), "--out", str(out), *option]) == 0
    assert main(["check", str(out)]) == 0
    made = json.loads((out / "manifest.json").read_text())
    used = {entry.get("name", entry["reader"]) for entry in given["sources"] if entry["reader"] != "bimed13m"}
    assert made["counts"]["source"].keys() == used
    left_out = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert len(left_out) == readers.count("bimed13m")


def small(tmp_path, name="x"):
    """A mixture of SLAKE alone, and the arguments to build it."""
    path = tmp_path / f"{name}.yml"
    path.write_text(yaml.safe_dump({"name": name, "sources": [{"reader": "slake", "path": "SLAKE"}]}))
    return ["build", str(path), "--root", str(tmp_path), "--out", str(tmp_path / name), "--workers", "1"]


def test_a_build_says_that_an_archive_fills_in(tmp_path, capsys):
    vqa.slake(tmp_path / "SLAKE", unpacked=2)
    assert main(small(tmp_path)) == 0
    assert f"slake: {tmp_path}/SLAKE/imgs is read first; what it lacks is read from" in capsys.readouterr().err
    made = json.loads((tmp_path / "x/manifest.json").read_text())
    assert made["written"] == 6 and "missing_image" not in made["ledger"]


def test_rows_whose_images_were_not_unpacked_are_in_the_ledger(tmp_path):
    vqa.slake(tmp_path / "SLAKE", unpacked=2, archive=False)
    assert main(small(tmp_path)) == 0
    made = json.loads((tmp_path / "x/manifest.json").read_text())
    assert made["ledger"]["missing_image"] == 2 and made["written"] == 4


def test_a_dataset_is_the_same_from_every_form_of_its_images(tmp_path):
    shards = []
    for number, keys in enumerate(({}, {"unpacked": 2}, {"unpacked": 4, "archive": False}, {"folder": "Slake1.0"})):
        root = tmp_path / str(number)
        vqa.slake(root / "SLAKE", **keys)
        assert main(small(root)) == 0
        shards.append((root / "x/train-00000-of-00001.parquet").read_bytes())
    assert len({*shards}) == 1


@pytest.mark.parametrize(
    "reader", ["slake", "pmc_vqa", "pmc_oa", "vqa_rad", "path_vqa", "mimic_cxr", "mimic_iii", "uphill"]
)
def test_a_source_in_an_unknown_form_is_refused_with_what_is_wanted(reader, tmp_path, capsys):
    (tmp_path / "S").mkdir()
    (tmp_path / "S/data.tsv").write_text("question")
    mixture = tmp_path / "x.yml"
    mixture.write_text(yaml.safe_dump({"name": "x", "sources": [{"reader": reader, "path": "S"}]}))
    assert main(["build", str(mixture), "--root", str(tmp_path), "--out", str(tmp_path / "x"), "--allow-missing"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{mixture}: sources[0].path: {tmp_path}/S") and "Traceback" not in said
