"""`python -m eval run --engine vllm` where vLLM is and Axolotl is not: the answers of transformers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import clinical_builders

pytestmark = pytest.mark.vllm
ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
LIMIT = 24


def evaluate(python, *arguments):
    """Run the command line as a user does, from the project's folder; return what it said."""
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    command = [str(word) for word in (python, "-m", "eval", *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, cwd=ROOT, env=environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stderr


@pytest.fixture(scope="module")
def results(checkpoint):
    """The folder of each engine's answers to the safety set: images and text, both languages."""
    folders = {}
    for engine, python in (("vllm", PYTHON), ("transformers", sys.executable)):
        folders[engine] = checkpoint.parent / engine
        asked = ("--task", "safety", "--limit", LIMIT, "--max-new-tokens", 8, "--out", folders[engine])
        evaluate(python, "run", "--engine", engine, "--model", checkpoint, *asked)
    return folders


def read(folder):
    header, *lines = map(json.loads, (folder / "predictions" / "safety.jsonl").read_text().splitlines())
    return header["header"], {line["item"]: line for line in lines}


def test_answers_are_those_of_transformers(results):
    (_, theirs), (_, ours) = (read(results[engine]) for engine in ("vllm", "transformers"))
    assert len(theirs) == LIMIT and {line["language"] for line in theirs.values()} == {"en", "ar"}
    assert 0 < sum(bool(line["images"]) for line in theirs.values()) < LIMIT
    same = ("prompt", "image_hashes", "output", "finish_reason", "tokens")
    assert {item: [line[key] for key in same] for item, line in theirs.items()} == {
        item: [line[key] for key in same] for item, line in ours.items()
    }


def test_header_names_the_engine_and_the_same_checkpoint(results):
    (theirs, _), (ours, _) = (read(results[engine]) for engine in ("vllm", "transformers"))
    assert theirs["engine"]["name"] == "vllm" and theirs["engine"]["version"] != "unknown"
    assert theirs["engine"]["prompt_tokens"] == "verified"
    assert theirs["checkpoint_sha256"] == ours["checkpoint_sha256"] and theirs["benchmark"] == ours["benchmark"]


def test_second_run_asks_nothing_and_loads_no_model(checkpoint, results):
    asked = ("--task", "safety", "--limit", LIMIT, "--max-new-tokens", 8, "--out", results["vllm"])
    said = evaluate(PYTHON, "run", "--engine", "vllm", "--model", checkpoint, *asked)
    assert f"all {LIMIT} items are there already" in said and "loading" not in said


def test_likelihoods_are_those_of_transformers(checkpoint, tmp_path):
    clinical_builders.make_mmlu(tmp_path, questions=4)
    asked = ("run", "--model", checkpoint, "--task", "mmlu_anatomy", "--root", tmp_path, "--dtype", "float32")
    found = {}
    for engine, python in (("vllm", PYTHON), ("transformers", sys.executable)):
        evaluate(python, *asked, "--engine", engine, "--out", tmp_path / engine)
        text = (tmp_path / engine / "predictions" / "mmlu_anatomy.jsonl").read_text(encoding="utf-8")
        found[engine] = [json.loads(line)["facts"]["loglikelihoods"] for line in text.splitlines()[1:]]
    assert len(found["vllm"]) == 4
    for theirs, ours in zip(found["vllm"], found["transformers"], strict=True):
        assert theirs == pytest.approx(ours, abs=1e-4)
