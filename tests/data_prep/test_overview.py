"""The paper's mixtures, built whole over every source's layout, and what the overview says of them."""

import importlib
import shutil
from pathlib import Path

import datasets
import pytest
import yaml

from data_prep import mixture_file
from data_prep.__main__ import main
from data_prep.overview import sources
from tests.helpers import downloads
from tests.helpers.downloads import pmc, vqa
from tests.helpers.layouts import hub_forms

RECIPES = Path(__file__).parents[2] / "recipes/data"
FOLDERS = {
    "VQA-RAD": "vqa_rad",
    "SLAKE": "slake",
    "path-vqa": "path_vqa",
    "PMC-VQA": "pmc_vqa",
    "BiMed-V-1.6M": "bimed_v",
    "pubmedqa": "pubmedqa",
    "medmcqa": "medmcqa",
    "MedQA": "medqa",
    "BiMed1.3M": "bimed13m",
    "BiMed-MBench": "bimed_mbench",
    "mmlu": "mmlu",
    "uphill": "uphill",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Every source as its own download leaves it."""
    folder = tmp_path_factory.mktemp("raw")
    for name, module in FOLDERS.items():
        (folder / name).mkdir()
        importlib.import_module(f"tests.helpers.layouts.{module}").make(folder / name)
    return folder


def test_table_12_adds_up():
    """1,691,407 rows: 1,032,949 English and 658,458 Arabic (arXiv 2412.07769 v2)."""
    sources = yaml.safe_load((RECIPES / "bimed_v.yml").read_text())["sources"]
    arabic = sum(source["rows"] for source in sources if source.get("languages") == ["ar"])
    assert (sum(source["rows"] for source in sources), arabic) == (1_691_407, 658_458)


@pytest.mark.parametrize("name", ["bimed_v", "bimed_v_released", "align"])
def test_the_mixture_builds_and_passes_its_check(name, root, tmp_path, capsys):
    """The layouts' test questions are few and their own; what they share with training rows is dropped here."""
    given = yaml.safe_load((RECIPES / f"{name}.yml").read_text())
    pairs = [
        (b.get("name", b["reader"]), s.get("name", s["reader"])) for b in given["benchmarks"] for s in given["sources"]
    ]
    given["overlaps"] = [{"benchmark": b, "source": s, "action": "drop", "why": "test"} for b, s in sorted({*pairs})]
    path = tmp_path / f"{name}.yml"
    path.write_text(yaml.safe_dump(given, allow_unicode=True))
    assert main(["build", str(path), "--root", str(root), "--out", str(tmp_path / "out")]) == 0
    assert main(["check", str(tmp_path / "out")]) == 0
    assert "passed all checks" in capsys.readouterr().out


def test_without_the_sources_the_errors_name_each_and_allow_missing_goes_on(root, tmp_path, capsys):
    path = RECIPES / "bimed_v.yml"
    with pytest.raises(mixture_file.MixtureError) as caught:
        mixture_file.load(path, tmp_path)
    assert len(str(caught.value).splitlines()) >= 26
    (tmp_path / "SLAKE").symlink_to(root / "SLAKE")
    mixture = mixture_file.load(path, tmp_path, allow_missing=True)
    assert [source.name for source in mixture.sources] == ["slake_vqa"] and len(mixture.missing) == 24


def test_the_overview_says_what_is_there_and_how_to_get_the_rest(root, tmp_path, capsys, monkeypatch):
    """Also from another folder than the repository's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "SLAKE").symlink_to(root / "SLAKE")
    assert main(["sources", "--root", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "slake_vqa (SLAKE): found" in shown and "path_vqa (PathVQA): missing" in shown
    assert "to get it: https://huggingface.co/datasets/RadGenome/PMC-VQA" in shown and "mimic_cxr" in shown


def test_an_overview_without_the_repository_says_what_to_name(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("data_prep.overview.PAPER", (RECIPES / "align.yml", tmp_path / "gone.yml"))
    assert main(["sources"]) == 1
    message = capsys.readouterr().err
    assert message.startswith(
        f"{tmp_path}/gone.yml: there is no such file; name a mixture: python -m data_prep sources "
    )
    assert main(["sources", str(RECIPES / "align.yml")]) == 0


def overview(tmp_path, **entry):
    """The paragraph of one entry of a mixture under tmp_path, as lines."""
    path = tmp_path / "mixture.yml"
    path.write_text(yaml.safe_dump({"name": "x", "sources": [entry]}))
    return sources([path], tmp_path).split("\n\n")[0].splitlines()


def test_a_source_in_each_state(tmp_path):
    entry = {"reader": "slake", "path": "SLAKE"}
    assert overview(tmp_path, **entry)[0] == "slake (SLAKE): missing"
    (tmp_path / "SLAKE").mkdir()
    assert overview(tmp_path, **entry)[0] == "slake (SLAKE): missing"
    for name in ("a.tsv", "b.tsv", "c.tsv", "d.tsv", "e.tsv", "f.tsv"):
        (tmp_path / "SLAKE" / name).touch()
    state = overview(tmp_path, **entry)[0]
    assert state.startswith(
        f"slake (SLAKE): found, not understood: {tmp_path}/SLAKE holds a.tsv, b.tsv, c.tsv, d.tsv, "
    )
    assert "e.tsv and 1 more; wanted: train.json, validation.json, test.json, imgs/ or imgs.zip" in state
    vqa.slake(tmp_path / "SLAKE")
    assert overview(tmp_path, **entry)[0] == "slake (SLAKE): found: train.json, validation.json, test.json, imgs.zip"
    (tmp_path / "SLAKE/train.json").unlink()
    (tmp_path / "SLAKE/imgs.zip").unlink()
    lines = overview(tmp_path, **entry)
    for said in (
        "slake (SLAKE): found, incomplete: ",
        "/train.json: there is no such file; ",
        "/imgs.zip: there is no such",
    ):
        assert said in lines[0]
    assert lines[2] == "  there: validation.json, test.json" and "to get it: https://" in lines[-1]


def test_half_of_the_images_are_counted_and_the_missing_ones_are_named(tmp_path):
    vqa.slake(tmp_path / "SLAKE", unpacked=2, archive=False)
    entry = {"reader": "slake", "path": "SLAKE"}
    assert overview(tmp_path, **entry)[0] == (
        "slake (SLAKE): found, incomplete: 2 of the 4 images that its rows name are there; "
        "missing: xmlab404/source.jpg, xmlab500/source.jpg"
    )
    vqa.slake(tmp_path / "SLAKE")
    lines = overview(tmp_path, **entry)
    assert lines[0] == "slake (SLAKE): found: train.json, validation.json, test.json, imgs, imgs.zip"
    assert "  images: all 4 that its rows name are there" in lines
    assert f"  {tmp_path}/SLAKE/imgs is read first; what it lacks is read from {tmp_path}/SLAKE/imgs.zip" in lines


def test_two_forms_side_by_side(tmp_path):
    vqa.path_vqa(tmp_path / "path-vqa")
    (state, *_) = overview(tmp_path, reader="path_vqa", path="path-vqa")
    assert "found: qas/train_vqa.pkl and images/; there too, and not read: qas/train/train_qa.pkl" in state
    (tmp_path / "PMC-VQA").mkdir()
    pmc.pmc_vqa(tmp_path / "PMC-VQA")
    (state, *_) = overview(tmp_path, reader="pmc_vqa", path="PMC-VQA")
    assert f"found, incomplete: {tmp_path}/PMC-VQA holds both; choose one: 1 or 2" in state


def test_a_file_s_folder_with_other_files_is_not_understood(tmp_path):
    (tmp_path / "BiMed-V-1.6M/data").mkdir(parents=True)
    entry = {"reader": "bimed_v", "path": "BiMed-V-1.6M/BiMed-V_stage2.json", "images": "BiMed-V-1.6M/images"}
    (state, *_) = overview(tmp_path, **entry)
    assert f"found, not understood: {tmp_path}/BiMed-V-1.6M holds data; wanted: BiMed-V_stage1.json" in state
    (state, *_) = overview(tmp_path, **entry | {"path": "BiMed-V_stage2.json"})
    assert state == "bimed_v (BiMed-V-1.6M): missing"


def test_a_damaged_table_is_a_problem(tmp_path):
    vqa.slake(tmp_path / "SLAKE")
    (tmp_path / "SLAKE/train.json").write_text('[{"qid": 1},')
    (state, *_) = overview(tmp_path, reader="slake", path="SLAKE")
    assert "found, incomplete: " in state and "train.json: not a complete JSON list" in state


def test_what_a_cache_lacks_is_told_once(tmp_path):
    hub_forms.write("cache", tmp_path / "path-vqa", {"train": datasets.Dataset.from_dict({"question": ["Why?"]})})
    shutil.rmtree(tmp_path / "path-vqa/blobs")
    told = "\n".join(overview(tmp_path, reader="path_vqa", path="path-vqa"))
    assert told.count("which is not there; download the dataset again") == 1 and told.count("train-00000") == 1


def test_every_downloadable_source_of_the_paper_is_found(tmp_path):
    """BiMed-V lacks one image, which was not fetched yet."""
    downloads.make(tmp_path)
    states = {line for line in sources([], tmp_path).splitlines() if "): " in line and not line.startswith(" ")}
    missing = {line for line in states if line.endswith(": missing")}
    assert len(missing) == 4 and all("(BiMed1.3M)" in line for line in missing)
    lacking = {line for line in states - missing if "): found, incomplete: 3 of the 4 images" in line}
    assert len(lacking) == 2 and all("): found" in line and "BiMed-V" in line for line in lacking)
    assert all("): found: " in line or line.endswith("): found") for line in states - missing - lacking)
