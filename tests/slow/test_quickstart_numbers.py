"""The quickstart, run as a newcomer runs it, and the numbers that it must reach."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
ROOT = Path(__file__).parents[2]
SCORES = ROOT / "outputs" / "quickstart" / "eval" / "scores.json"


def _make(*arguments):
    # Inside `make test-slow` the outer make's flags would reach this one.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "MFLAGS"}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def quickstart():
    done = _make("quickstart")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def _exact(name, language):
    scores = json.loads(SCORES.read_text(encoding="utf-8"))
    scores = scores["scores"] if isinstance(scores, dict) else scores
    (score,) = [
        score
        for score in scores
        if (score["name"], score["metric"]) == (name, "exact")
        and score["subgroup"] == {"language": language, "task": "closed+short"}
    ]
    return score


@pytest.mark.parametrize("language", ["en", "ar"])
def test_learned_and_from_the_picture(quickstart, language):
    trained, permuted = _exact("train", language), _exact("train_permuted", language)
    assert trained["value"] >= 0.85 and trained["unscored"] == 0
    assert permuted["value"] <= trained["value"] / 2
    assert _exact("base_train", language)["value"] < trained["value"]


@pytest.mark.parametrize("name", ["heldout_image", "heldout_question"])
def test_held_out_splits_are_reported_with_their_size(quickstart, name):
    assert all(_exact(name, language)["n"] > 0 for language in ("en", "ar"))


def test_it_ends_with_the_paths(quickstart):
    assert "outputs/quickstart/merged" in quickstart and "outputs/quickstart/eval/report.md" in quickstart
    assert (ROOT / "outputs" / "quickstart" / "eval" / "report.md").is_file()


def test_it_prints_its_steps_and_leaves_the_rest_in_the_logs(quickstart):
    lines = quickstart.splitlines()
    assert len(lines) <= 70
    assert "Training will fail" not in quickstart and "0.0 loss" not in quickstart
    assert (ROOT / "outputs/logs/quickstart_stage2.log").stat().st_size > 10_000
    assert lines[-1].endswith("  together")


def test_a_second_run_redoes_nothing(quickstart):
    folders = [ROOT / name for name in ("parts", "data/quickstart", "data/quickstart_align", "outputs")]
    before = {file: file.stat().st_mtime_ns for folder in folders for file in folder.rglob("*.safetensors")}
    predictions = {file: file.stat().st_mtime_ns for file in SCORES.parent.glob("predictions/*.jsonl")}
    again = _make("quickstart")
    assert again.returncode == 0 and " of 7, " not in again.stdout
    assert "everything is made" in again.stdout and "outputs/quickstart/merged" in again.stdout
    assert {file: file.stat().st_mtime_ns for file in before} == before and before
    assert {file: file.stat().st_mtime_ns for file in predictions} == predictions and predictions


@pytest.mark.parametrize(
    "verb",
    [
        ("preprocess", "recipes/quickstart.yml"),
        ("evaluate", "recipes/quickstart.yml", "--launcher", "python", "--lora-model-dir", "outputs/quickstart"),
        ("inference", "recipes/quickstart.yml", "--launcher", "python", "--lora-model-dir", "outputs/quickstart"),
    ],
    ids=lambda verb: verb[0],
)
def test_axolotls_other_verbs_work_on_the_quickstart_recipe(quickstart, verb):
    command = [str(ROOT / ".venv" / "bin" / "axolotl"), *verb]
    done = subprocess.run(
        command, cwd=ROOT, input="Which organ pumps the blood?", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    if verb[0] == "inference":
        assert "<|im_start|>system\nAnswer briefly.<|im_end|>\n<|im_start|>user\nWhich organ" in done.stdout
