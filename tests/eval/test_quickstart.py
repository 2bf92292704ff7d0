"""The five runs of the quickstart in one command, and nothing done twice."""

import json

import pytest

from eval import model as model_module
from eval.cli import main
from eval.predictions import read_all


@pytest.fixture
def arguments(llava, text_model, data, tmp_path):
    state = tmp_path / "stage" / "checkpoint-2" / "trainer_state.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"log_history": [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]}))
    options = {
        "model": llava,
        "base": text_model,
        "data": data,
        "out": tmp_path / "eval",
        "training": tmp_path / "stage",
    }
    named = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return ["quickstart", *named, "--max-new-tokens", "2"]


def test_quickstart(arguments, llava, tmp_path, capsys, monkeypatch):
    assert main(arguments) == 0
    first = capsys.readouterr().out
    runs = read_all(tmp_path / "eval")
    assert [(run.name, len(run.lines)) for run in runs] == [
        ("train", 9),
        ("train_permuted", 4),
        ("heldout_image", 2),
        ("heldout_question", 2),
        ("base_train", 6),
    ]
    assert first.splitlines()[-2] == f"merged checkpoint: {llava}"
    assert (tmp_path / "eval" / "report.md").is_file()

    monkeypatch.setattr(model_module, "TransformersEngine", None)
    assert main(arguments) == 0
    assert capsys.readouterr().out == first


def test_everything_is_checked_before_a_model_is_loaded(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(model_module, "TransformersEngine", None)
    place = arguments.index("--base") + 1
    arguments[place] = str(tmp_path / "no_base")
    assert main(arguments) == 1
    assert "no_base: no such folder" in capsys.readouterr().err
    assert not (tmp_path / "eval").exists()
