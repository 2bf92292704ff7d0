"""The paper's mixtures, built whole over every source's layout, and what the overview says of them."""

import importlib
from pathlib import Path

import pytest
import yaml

from data_prep import mixture_file
from data_prep.__main__ import main

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
