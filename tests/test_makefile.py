"""The Makefile's verbs, dry: which steps they would run, with which numbers, and what they skip."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _make(folder, target, *more):
    """The steps that make would run, each with its number, and their commands."""
    command = ["make", "-n", "-f", str(ROOT / "Makefile"), target, *more]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    lines = [
        shlex.split(line) for line in printed.replace("\\\n", " ").splitlines() if "bimedix2_plugin.steps run" in line
    ]
    return [(line[line.index("run") + 1], " ".join(line[line.index("--") + 1 :])) for line in lines]


@pytest.fixture
def installed(tmp_path):
    """A folder in which the packages are installed and nothing is made."""
    for file in ("pyproject.toml", "constraints.txt", ".tools/bin/uv", ".venv/bin/python", ".venv/.quickstart"):
        _touch(tmp_path, file)
    return tmp_path


def _touch(folder, file):
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.mark.parametrize("size", ["4b", "8b", "70b"])
def test_make_trains_and_merges_from_where_it_stopped(installed, size):
    name = f"bimedix2_{size}"
    doctor = "python -m bimedix2_plugin.cli doctor --here --gpus 8"
    both = [("1/4", f"{doctor} recipes/{name}_stage1.yml recipes/{name}.yml")]
    second = [("1/4", f"{doctor} recipes/{name}.yml")]
    train = [("3/4", f"axolotl train recipes/{name}.yml")]
    merge = [("4/4", f"axolotl merge-lora recipes/{name}.yml --lora-model-dir outputs/{name}")]
    assert _make(installed, f"train-{size}") == [
        *both,
        ("2/4", f"axolotl train recipes/{name}_stage1.yml"),
        *train,
        *merge,
    ]
    left = {f"{name}_stage1/finished.json": second + train + merge, f"{name}/finished.json": merge}
    for file, steps in (left | {f"{name}/merged/composition.json": []}).items():
        _touch(installed, f"outputs/{file}")
        assert _make(installed, f"train-{size}") == steps
    assert "--gpus 4 " in _make(installed, f"train-{'4b' if size != '4b' else '8b'}", "GPUS=4")[0][1]


def test_without_a_compiler_make_tells_what_to_install_before_it_downloads(installed):
    command = ["make", "-f", str(ROOT / "Makefile"), ".tools/llama.cpp/build/bin/llama-quantize", "CXX=no-compiler"]
    made = subprocess.run(command, cwd=installed, env=_outside_of_make(), capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "Install cmake and a C++ compiler (as root: apt-get install cmake g++)" in made.stderr
    assert made.stdout == "" and not (installed / ".tools" / "sources").exists()


def test_make_compiles_llama_quantize_after_the_converter(installed):
    (step,) = _make(installed, "setup-quantize", "JOBS=3")
    assert step[0] == "1/1" and "--target llama-quantize --parallel 3" in step[1]
    _touch(installed, ".tools/llama.cpp/build/bin/llama-quantize")
    assert _make(installed, "setup-quantize") == []


QUICKSTART = {
    "parts/smollm2/wheel.json": "cli parts parts",
    "data/quickstart_align/manifest.json": "data_prep build recipes/data/quickstart_align.yml",
    "data/quickstart/manifest.json": "data_prep build recipes/data/quickstart.yml",
    "outputs/quickstart_stage1/finished.json": "train recipes/quickstart_stage1.yml --launcher python",
    "outputs/quickstart/finished.json": "train recipes/quickstart.yml --launcher python",
    "outputs/quickstart/merged/composition.json": "axolotl merge-lora recipes/quickstart.yml",
    "outputs/quickstart/eval/report.html": "eval quickstart --model outputs/quickstart/merged",
}


def test_the_quickstarts_steps_keep_their_numbers_when_some_are_done(installed):
    for done in range(len(QUICKSTART) + 1):
        steps = _make(installed, "quickstart")
        assert [number for number, _ in steps] == [f"{place}/7" for place in range(done + 1, 8)]
        expected = list(QUICKSTART.values())[done:]
        assert all(part in command for part, (_, command) in zip(expected, steps, strict=True))
        if done < len(QUICKSTART):
            _touch(installed, list(QUICKSTART)[done])


# Stand-ins of the programs: each says what it was asked and writes the file that its step is to make.
FAKE = """#!/bin/bash
if [[ $2 == bimedix2_plugin.steps ]]; then exec {python} "$@"; fi
if [[ $* == *"eval summary"* ]]; then echo "merged checkpoint: $4"; exit; fi
echo "a long line of Axolotl's: $*"
case "$*" in
*"cli parts"*) file=parts/smollm2/wheel.json;;
*"data_prep build"*) file=${{@: -1}}/manifest.json;;
*" train recipes/quickstart_stage1.yml"*) file=outputs/quickstart_stage1/finished.json;;
*" train "*) [[ -e broken ]] && {{ echo "RuntimeError: broken" >&2; exit 1; }}; file=outputs/quickstart/finished.json;;
*merge-lora*) file=outputs/quickstart/merged/composition.json;;
*"eval quickstart"*) file=outputs/quickstart/eval/report.html;;
esac
mkdir -p "$(dirname "$file")"; touch "$file"
"""


@pytest.fixture
def programs(installed):
    for name in ("python", "axolotl"):
        program = installed / ".venv" / "bin" / name
        program.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
    _touch(installed, ".venv/.quickstart")  # newer than the interpreter
    return installed


def _outside_of_make():
    """The environment without what a make around the tests has put there."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "MFLAGS"}


def _quickstart(folder):
    command = ["make", "-f", str(ROOT / "Makefile"), "quickstart"]
    return subprocess.run(command, cwd=folder, env=_outside_of_make(), capture_output=True, text=True, check=False)


def test_the_quickstart_from_a_failure_to_its_end_and_again(programs):
    (programs / "broken").touch()
    failed = _quickstart(programs)
    assert failed.returncode != 0 and failed.stdout.splitlines()[-1].startswith("5 of 7, stage 2")
    assert "   | RuntimeError: broken\n" in failed.stderr and "outputs/logs/quickstart_stage2.log" in failed.stderr
    (programs / "broken").unlink()
    resumed = _quickstart(programs)
    assert resumed.returncode == 0, resumed.stderr
    lines = resumed.stdout.splitlines()
    assert [line[:6] for line in lines if " of 7, " in line] == ["5 of 7", "6 of 7", "7 of 7"]
    assert "a long line" not in failed.stdout + resumed.stdout
    assert "a long line" in (programs / "outputs/logs/quickstart_stage2.log").read_text(encoding="utf-8")
    assert len(failed.stdout.splitlines()) + len(lines) < 60
    again = _quickstart(programs)
    assert again.returncode == 0 and " of 7, " not in again.stdout
    assert "everything is made" in again.stdout and "merged checkpoint: outputs/quickstart/eval" in again.stdout
    table = [line.split("  ")[-1] for line in again.stdout.splitlines() if line.startswith("     ")]
    assert len(table) == 8 and table[-1] == "together"


def test_a_checkpoint_that_is_merged_anew_is_evaluated_anew(installed):
    for file in QUICKSTART:
        _touch(installed, file)
    later = (installed / "outputs/quickstart/eval/report.html").stat().st_mtime + 10
    os.utime(installed / "outputs/quickstart/merged/composition.json", (later, later))
    assert [number for number, _ in _make(installed, "quickstart")] == ["7/7"]


def test_the_papers_data_in_four_steps(installed):
    steps = _make(installed, "data", "ROOT=/raw")
    assert [number for number, _ in steps] == ["1/4", "2/4", "3/4", "4/4"]
    assert steps[1][1] == "python -m data_prep build recipes/data/bimed_v.yml --root /raw --out data/bimed-v"


def _printed(folder, *words):
    command = ["make", "-n", "-f", str(ROOT / "Makefile"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_model_is_served_with_the_options_given(installed):
    done = _printed(installed, "serve", "MODEL=outputs/m/merged", "TP=4", "SERVE=--port 8001 -- --max-model-len 4096")
    options = "--model outputs/m/merged --tensor-parallel 4 --port 8001 -- --max-model-len 4096"
    assert f"python -m eval serve {options}" in done.stdout
    assert "set MODEL to a checkpoint" in _printed(installed, "serve").stderr


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_vllm_is_installed_for_the_machine(installed, kind):
    printed = _printed(installed, "setup-vllm", f"VLLM={kind}").stdout
    (line,) = [line for line in printed.splitlines() if "pip install" in line]
    assert f"-r eval/engines/vllm/requirements-{kind}.txt" in line
    assert ("constraints.txt" in line) == (kind == "cpu")  # those are of the CPU build


def test_every_file_of_vllms_environment_is_there():
    names = {path.name for path in (ROOT / "eval/engines/vllm").iterdir()}
    assert names == {"requirements-cpu.txt", "requirements-gpu.txt", "overrides.txt", "constraints.txt"}
