"""How vLLM is started for a checkpoint, where it is reached, and what its log says of its end."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval.serve.vllm_server import VllmServer, why_ended

SERVER = VllmServer(Path("outputs/m"), "m", "bfloat16", "cuda")


def command(**changes):
    return " ".join(replace(SERVER, **changes).command(Path("python")))


def test_a_gpu_compiles_and_a_cpu_does_not():
    assert "--enforce-eager" not in command() and "--kv-cache-memory-bytes" not in command()
    assert "--enforce-eager --kv-cache-memory-bytes=2147483648" in command(device="cpu")


def test_a_template_of_the_users_is_given():
    assert "--chat-template" not in command()
    assert "--chat-template other.jinja" in command(template=Path("other.jinja"))


def test_options_of_the_user_come_last():
    assert command(tensor_parallel=8, options=("--max-model-len", "4096")).endswith("--max-model-len 4096")


def test_without_a_key_none_is_told():
    assert "VLLM_API_KEY" not in SERVER.environment(Path("python"))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("node1", "http://node1:8000"),
    ],
)
def test_it_is_reached_from_this_machine(host, address):
    assert replace(SERVER, host=host).address == address


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("INFO a\nValueError: no room\nINFO b\nRuntimeError: failed\n", "ValueError: no room"),
        ("(Engine pid=3) ERROR 1 [x.py:1] torch.OutOfMemoryError: CUDA\n", "torch.OutOfMemoryError: CUDA"),
        ("api_server.py: error: unrecognized arguments: --x\n", "error: unrecognized arguments: --x"),
        ("loading\nKilled\n\n", "Killed"),
        ("", "it said nothing"),
    ],
)
def test_the_first_error_of_a_log_is_the_cause(tmp_path, log, cause):
    file = tmp_path / "serve.log"
    file.write_text(log)
    assert why_ended(file) == cause
