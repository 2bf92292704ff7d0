"""A merged checkpoint that vLLM can load, and `python -m eval serve` in front of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bimedix2_plugin.rehearse import tiny
from tests.helpers import adapters
from tests.helpers.page_server import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint whose attention heads are of a width that vLLM has a kernel for."""
    work = tmp_path_factory.mktemp("checkpoint")
    base = tiny.llama(work / "llama", tied=False, hidden=128, heads=2, kv_heads=1)
    folder = adapters.composed(base, tiny.clip_vision(work / "tower", width=64))
    adapters.with_adapter(folder, work / "adapter")
    return adapters.merge(folder, work / "adapter", work / "merged")


@pytest.fixture(scope="session")
def serve():
    """A function that starts the command from the project's folder; what it has started is ended."""
    started = []

    def start(*arguments):
        command = [str(word) for word in (sys.executable, "-m", "eval", "serve", "--port", free_port(), *arguments)]
        started.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | {"SERVED_KEY": "sk-hand"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)


@pytest.fixture(scope="session")
def served(serve, checkpoint, tmp_path_factory):
    """The address of a server that has passed its checks; it wants the key in SERVED_KEY, and serves `tiny`."""
    log = tmp_path_factory.mktemp("served") / "serve.log"
    process = serve("--model", checkpoint, "--served-name", "tiny", "--api-key-variable", "SERVED_KEY", "--log", log)
    line = process.stdout.readline()
    assert line.startswith("tiny: http://"), process.communicate(timeout=120)[1][-3000:]
    return line.removeprefix("tiny: ").strip()
