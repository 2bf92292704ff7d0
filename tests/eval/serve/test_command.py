"""`python -m eval serve`: what is refused before anything starts, what starts, and what is left when it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from eval.cli import main
from eval.engines.prompt import Prompts
from eval.serve.command import dtype_of, name_of
from eval.serve.probes import probes
from tests.eval.serve import stand_in
from tests.helpers.page_server import free_port

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with an environment in which something called vLLM is."""
    monkeypatch.chdir(tmp_path)
    return stand_in.install(tmp_path)


def refused(capsys, *options):
    assert main(["serve", *map(str, options)]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and said[0].startswith("eval: error: ")
    return said[0]


def test_no_environment_of_vllm_is_one_message(llava, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "make setup-vllm" in refused(capsys, "--model", llava)
    other = tmp_path / ".venv-vllm/bin/python"  # an environment without vLLM
    other.parent.mkdir(parents=True)
    other.symlink_to(sys.executable)
    assert ".venv-vllm/bin/python: no vLLM here" in refused(capsys, "--model", llava)


def test_a_port_in_use_is_one_message(place, llava, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"--port {port}: cannot be used" in refused(capsys, "--model", llava, "--port", port)


def test_others_may_reach_it_only_with_a_key(place, llava, capsys, monkeypatch):
    monkeypatch.delenv("SERVED_KEY", raising=False)
    given = ("--model", llava, "--port", free_port(), "--host", "0.0.0.0")
    assert "--api-key-variable" in refused(capsys, *given)
    assert "SERVED_KEY is not set" in refused(capsys, *given, "--api-key-variable", "SERVED_KEY")


def test_layers_are_split_over_gpus_that_are_there(place, llava, capsys):
    said = refused(capsys, "--model", llava, "--port", free_port(), "--tensor-parallel", "3")
    assert "--tensor-parallel 3" in said


def test_a_tower_that_vllm_does_not_serve_is_told(place, llava, tmp_path, capsys):
    folder = tmp_path / "dino"
    folder.mkdir()
    for file in Path(llava).iterdir():
        (folder / file.name).symlink_to(file)
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"] = {"model_type": "dinov2"}
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps(config))
    said = refused(capsys, "--model", folder, "--port", free_port())
    assert "this one has dinov2" in said and f"eval chat --model {folder}" in said


def test_a_server_that_does_not_start_is_told_with_its_cause(place, llava, capsys):
    (place / "python").write_text(
        '#!/bin/bash\nif [ "$1" = -c ]; then exit 0; fi\n'
        "echo 'INFO loading'; echo 'ValueError: not enough room for the cache'; echo 'RuntimeError: failed'; exit 1\n"
    )
    assert main(["serve", "--model", str(llava), "--port", str(free_port()), "--tokens-only"]) == 1
    said = capsys.readouterr().err
    assert "ended before it served it: ValueError: not enough room for the cache (log: outputs/logs/serve.log)" in said


@pytest.fixture(scope="module")
def tokens(llava):
    """The tokens of the probes, by whether they have an image."""
    prompts = Prompts(Path(llava))
    return {
        str(bool(images)): prompts.of_item(item, [image.image for image in images])[1]
        for item, images in probes(sees=True)
    }


def started(llava, place, port, *options, hang_up="default"):
    command = [
        "env",
        f"--{hang_up}-signal=HUP",
        sys.executable,
        "-m",
        "eval",
        "serve",
        "--model",
        str(llava),
        "--port",
        str(port),
        *options,
    ]
    return subprocess.Popen(
        command,
        cwd=place.parents[1],
        env=os.environ | {"PYTHONPATH": str(ROOT), "SERVED_KEY": "sk-hand", "http_proxy": "http://127.0.0.1:9"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_a_server_with_the_prompts_of_training_serves_until_it_is_ended(llava, tmp_path, tokens):
    place, port = stand_in.install(tmp_path, tokens), free_port()
    options = (
        "--tokens-only",
        "--served-name",
        "mine",
        "--api-key-variable",
        "SERVED_KEY",
        "--",
        "--max-num-seqs",
        "4",
    )
    process = started(llava, place, port, *options)
    try:
        assert process.stdout.readline() == f"mine: http://127.0.0.1:{port}/v1\n"
        found = json.loads((place / "started.json").read_text())
        assert process.poll() is None and not gone(found["child"])
    finally:
        process.send_signal(signal.SIGHUP)  # as when its terminal is closed
        process.communicate(timeout=30)
    assert gone(found["child"])
    words = " ".join(found["arguments"])
    assert f"--model {llava} --served-model-name mine --dtype float32" in words
    assert "--tensor-parallel-size 1 --enable-prefix-caching" in words and words.endswith("--max-num-seqs 4")
    assert "sk-hand" not in words and found["environment"]["VLLM_API_KEY"] == "sk-hand"
    assert "PYTHONPATH" not in found["environment"] and found["environment"]["VLLM_NO_USAGE_STATS"] == "1"


def test_after_nohup_a_server_outlives_its_terminal(llava, tmp_path, tokens):
    place, port = stand_in.install(tmp_path, tokens), free_port()
    process = started(llava, place, port, "--tokens-only", hang_up="ignore")
    try:
        assert process.stdout.readline().endswith(f"http://127.0.0.1:{port}/v1\n")
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert gone(json.loads((place / "started.json").read_text())["child"])


def test_a_server_with_another_template_is_ended(llava, tmp_path, tokens):
    wrong = tokens | {"False": tokens["False"][1:]}
    place, port = stand_in.install(tmp_path, wrong), free_port()
    process = started(llava, place, port, "--tokens-only")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and not out
    assert "does not serve the prompts of training" in err and "--chat-template-file" in err
    assert "the text question is other tokens" in err
    assert gone(json.loads((place / "started.json").read_text())["child"])


@pytest.mark.parametrize(
    ("model", "name"),
    [("outputs/bimedix2_8b/merged", "bimedix2_8b"), ("merged", "merged"), ("google/medgemma-4b-it", "medgemma-4b-it")],
)
def test_a_model_is_served_under_the_name_of_its_run(model, name):
    assert name_of(model) == name


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        ({"dtype": "float32"}, "float32"),
        ({"torch_dtype": "float16"}, "float16"),
        ({"text_config": {"dtype": "bfloat16"}}, "bfloat16"),
        ({}, "bfloat16"),
    ],
)
def test_the_precision_is_that_of_the_checkpoint(config, dtype):
    assert dtype_of(config) == dtype
