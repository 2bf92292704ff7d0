"""vLLM's OpenAI-compatible server in its own environment, as a child process: started, waited for, ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_prep.local_page import url_of
from eval.engines.vllm_engine import CPU_CACHE_BYTES
from eval.errors import EvalError, say

PYTHON = Path(".venv-vllm/bin/python")
MODULE = "vllm.entrypoints.openai.api_server"
"""The `vllm` command of vLLM's CPU build does not start: it looks for a package of another name."""
POLL_SECONDS, REPORT_SECONDS, END_SECONDS = 0.5, 30.0, 30.0
_CAUSE = re.compile(r"\b[\w.]*(?:Error|Exception): .+|error: .+")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True)
class VllmServer:
    """What is served, how and where.

    Attributes:
        folder: of the checkpoint.
        name: under which clients ask for it.
        dtype: of the weights.
        device: "cuda" or "cpu".
        template: a chat template in place of the checkpoint's own.
        tensor_parallel: over how many GPUs each layer is split.
        host, port: where it listens.
        key: that clients must send; None for none.
        options: further ones of vLLM.
    """

    folder: Path
    name: str
    dtype: str
    device: str
    template: Path | None = None
    tensor_parallel: int = 1
    host: str = "127.0.0.1"
    port: int = 8000
    key: str | None = None
    options: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where this machine reaches it, without /v1."""
        return url_of(_EVERYWHERE.get(self.host, self.host), self.port)

    def command(self, python: Path) -> list[str]:
        """Return the command that serves. Options of the user come last, and so take precedence."""
        words = ["--model", str(self.folder), "--served-model-name", self.name, "--dtype", self.dtype]
        words += ["--host", self.host, "--port", str(self.port)]
        # -1: the longest context that fits.
        words += ["--tensor-parallel-size", str(self.tensor_parallel), "--enable-prefix-caching", "--max-model-len=-1"]
        words += ["--chat-template", str(self.template)] if self.template else []
        words += ["--enforce-eager", f"--kv-cache-memory-bytes={CPU_CACHE_BYTES}"] if self.device == "cpu" else []
        return [str(python), "-m", MODULE, *words, *self.options]

    def environment(self, python: Path) -> dict[str, str]:
        """Return its environment variables, with the key: every user of the machine can read a command."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        path = f"{python.absolute().parent}{os.pathsep}{os.environ.get('PATH', '')}"
        quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
        return kept | quiet | {"PATH": path} | ({"VLLM_API_KEY": self.key} if self.key else {})


def check_environment(python: Path = PYTHON) -> None:
    """Check that there is an environment with vLLM, before anything is loaded.

    Raises:
        EvalError: there is none.
    """
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm.entrypoints') is None)"
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([python, "-c", look], check=True, capture_output=True, env={"PATH": os.environ.get("PATH", "")})
        return
    raise EvalError(
        f"{python}: no vLLM here. It needs an older transformers than Axolotl, and so an environment of its own. "
        "In the project's folder, run: make setup-vllm"
    )


@contextmanager
def running(server: VllmServer, log: Path, python: Path = PYTHON) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, wait until it answers, and end it and its children in the end.

    Raises:
        EvalError: it ends before it answers; the message has the cause that its log names.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command(python),
            stdout=output,
            stderr=subprocess.STDOUT,
            env=server.environment(python),
            start_new_session=True,  # Ctrl-C is for this process, which then ends the server
        )
    try:
        _wait(process, server, log)
        yield process
    finally:
        _end(process)


def why_ended(log: Path) -> str:
    """Return the first error of a log, which is the cause of those that follow, or else its last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    causes = [found[0] for line in lines if (found := _CAUSE.search(line))]
    return (causes or [line for line in lines if line.strip()][-1:] or ["it said nothing"])[0].strip()[:400]


def _wait(process: subprocess.Popen[bytes], server: VllmServer, log: Path) -> None:
    start = told = time.monotonic()
    while not _answers(server):
        if process.poll() is not None:
            raise EvalError(f"{server.folder}: vLLM ended before it served it: {why_ended(log)} (log: {log})")
        if time.monotonic() - told > REPORT_SECONDS:
            told = time.monotonic()
            say(f"vLLM is loading {server.folder} for {told - start:.0f} s (log: {log})")
        time.sleep(POLL_SECONDS)


def _answers(server: VllmServer) -> bool:
    try:
        with urllib.request.urlopen(f"{server.address}/health", timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):  # workers that outlived it
        os.killpg(process.pid, signal.SIGKILL)
