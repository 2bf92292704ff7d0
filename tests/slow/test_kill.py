"""kill -9 in the middle of each long step, then the same command: nothing lost, nothing repeated."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.helpers import runs

pytestmark = pytest.mark.slow
AXOLOTL = Path(sys.executable).with_name("axolotl")
TRAIN = (AXOLOTL, "train", "recipe.yml", "--launcher", "python")


def _kill_when(command, cwd, ready, seconds=400):
    """Start a command in its own group and kill all of it as soon as `ready()` holds."""
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    end = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, f"{command} ended with {process.returncode} before it could be killed"
        assert time.monotonic() < end, f"{command} was not ready to be killed in {seconds} s"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _losses(folder):
    newest = max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    history = json.loads((newest / "trainer_state.json").read_text())["log_history"]
    return {entry["step"]: entry["loss"] for entry in history if "loss" in entry}


def _recipe(folder, **changes):
    changes = {"num_epochs": 4, "sequence_len": 256, "save_strategy": "steps", "save_steps": 2} | changes
    recipe = runs.recipe(auto_resume_from_checkpoints=True, lora_dropout=0.05, **changes)
    (folder / "recipe.yml").write_text(yaml.safe_dump(recipe, allow_unicode=True))


def test_training_killed_in_mid_epoch(work):
    _recipe(work, output_dir="./whole")
    subprocess.run(TRAIN, cwd=work, check=True, capture_output=True)
    _recipe(work, output_dir="./killed")
    _kill_when(TRAIN, work, (work / "killed" / "checkpoint-10").is_dir)
    assert not (work / "killed" / "finished.json").exists()
    done = subprocess.run(TRAIN, cwd=work, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (work / "killed" / "finished.json").exists()
    assert _losses(work / "killed") == pytest.approx(_losses(work / "whole"), rel=1e-6)


def test_composition_killed(work):
    command = [
        sys.executable,
        "-c",
        "from bimedix2_plugin.model.compose import *; compose(Request('./llama', './clip'))",
    ]
    composed = work / "outputs" / "composed"
    _kill_when(command, work, lambda: any(composed.glob("*partial*")))
    assert not any(composed.glob("*/composition.json")) or any(composed.glob("*partial*"))
    subprocess.run(command, cwd=work, check=True, capture_output=True)
    (folder,) = [path.parent for path in composed.glob("*/composition.json") if "partial" not in path.parent.name]
    from bimedix2_plugin.model.compose import load

    load(folder)


def test_data_build_killed(tmp_path):
    recipe = Path(__file__).parents[2] / "recipes" / "data" / "quickstart.yml"

    def command(name):
        return [sys.executable, "-m", "data_prep", "build", str(recipe), "--out", str(tmp_path / name)]

    subprocess.run(command("whole"), check=True, capture_output=True)
    _kill_when(command("killed"), tmp_path, lambda: any(path.name != "whole" for path in _folders(tmp_path)))
    assert not (tmp_path / "killed" / "manifest.json").exists()
    subprocess.run(command("killed"), check=True, capture_output=True)
    assert _digests(tmp_path / "killed") == _digests(tmp_path / "whole")
    assert {path.name for path in _folders(tmp_path)} == {"whole", "killed"}


def _folders(folder):
    return [path for path in folder.iterdir() if path.is_dir()]


def _digests(folder):
    """Hash every file but the two that record the command, and so the folder's name."""
    own = {"manifest.json", "README.md"}
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in own]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
