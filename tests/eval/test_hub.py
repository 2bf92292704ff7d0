"""Names of models: a folder, or a repository on the Hub, whose snapshot is in the cache."""

import shutil

import pytest
from huggingface_hub import constants

from eval.cli import main
from eval.errors import EvalError
from eval.hub import locate
from eval.model import Checkpoint, Settings
from eval.predictions import read_predictions

COMMIT = "a1" * 20


@pytest.fixture
def cached(llava, tmp_path, monkeypatch):
    """The Hub's cache with one repository, as huggingface_hub lays it out."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    repository = tmp_path / "hub" / "models--clinic--tiny"
    snapshot = shutil.copytree(llava, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    (repository / "refs" / "v1.0").write_text(COMMIT)
    return snapshot


@pytest.mark.parametrize("name", ["clinic/tiny", "clinic/tiny@main", "clinic/tiny@v1.0", f"clinic/tiny@{COMMIT}"])
def test_a_name_with_and_without_revision(cached, name):
    source = locate(name)
    assert (source.name, source.folder, source.commit) == ("clinic/tiny", cached, COMMIT)


def test_a_folder_is_a_folder_whatever_its_name(cached, llava, tmp_path):
    shutil.copytree(llava, tmp_path / "clinic" / "tiny")
    assert locate("clinic/tiny").commit is None
    # A misspelt path in a folder that is there is never looked up.
    assert locate("clinic/tinny").commit is None
    with pytest.raises(EvalError, match="clinic/tinny: no such folder"):
        Checkpoint("clinic/tinny", Settings())


@pytest.mark.parametrize("name", ["clinic/unknown", "clinic/tiny@v9"])
def test_an_unknown_name_offline(cached, name, tmp_path, capsys):
    assert main(["run", "--model", name, "--task", "safety", "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert f"--model {name}: there is no such folder" in error and "HF_HUB_OFFLINE" in error
    assert error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_commit_is_in_the_header(cached, tmp_path):
    command = ["run", "--model", "clinic/tiny@v1.0", "--task", "safety", "--root", tmp_path, "--limit", "1"]
    assert main([*map(str, command), "--max-new-tokens", "1", "--out", str(tmp_path / "out")]) == 0
    header = read_predictions(tmp_path / "out/predictions/safety.jsonl").header
    assert (header["model"], header["commit"]) == ("clinic/tiny", COMMIT)
