"""llama.cpp's server on an exported model, in a process of its own: a file that it cannot read ends that process only.

`python -m bimedix2_plugin.export.server TOKENS MODEL [MMPROJ]` writes one line of JSON, its address in it, and serves
conversations of at most TOKENS until its input ends.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_DUMP = "MTMD_DEBUG_EMBEDDINGS"  # llama.cpp writes the embeddings of each image to this file
_START_SECONDS, _REQUEST_SECONDS = 600.0, 3600.0
_TAIL = 4
_ERROR = re.compile(r"\S+ E ")  # after the time


class ServerError(Exception):
    """The server could not read the model, or ended; the message is its own last lines."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: without /v1.
        build: version of xllamacpp and llama.cpp's build.
        dump: the file with the last image's embeddings, if the build writes one.
        log: its output.
    """

    address: str
    build: str
    dump: Path
    log: Path

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the server.

        Raises:
            ServerError: it refused, or ended.
        """
        try:
            answer = httpx.post(self.address + path, json=body, timeout=_REQUEST_SECONDS)
        except httpx.HTTPError as error:
            raise ServerError(f"{error}; {_last_lines(self.log)}") from error
        if answer.status_code != httpx.codes.OK:
            raise ServerError(answer.text[:500])
        return dict(answer.json())


@contextmanager
def serving(model: Path, mmproj: Path | None, folder: Path, tokens: int) -> Iterator[Server]:
    """Serve an exported model.

    Args:
        model: the language model's file.
        mmproj: the vision part's file.
        folder: for its log and the dumped embeddings.
        tokens: length of a conversation, image tokens included.

    Raises:
        ServerError: it cannot read a file.
    """
    dump, log = folder / "embeddings.bin", folder / "server.log"
    command = [sys.executable, "-m", "bimedix2_plugin.export.server", str(tokens), str(model)]
    command += [str(mmproj)] if mmproj else []
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            env=os.environ | {_DUMP: str(dump)},
        )
    assert process.stdin and process.stdout
    watch = threading.Timer(_START_SECONDS, process.kill)
    watch.start()
    try:
        started = next((line for line in process.stdout if line.startswith("{")), None)
        watch.cancel()
        if started is None:
            raise ServerError(_last_lines(log))
        # Whatever it prints later must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Server(**json.loads(started), dump=dump, log=log)
    finally:
        watch.cancel()
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_lines(log: Path) -> str:
    """Return the end of what llama.cpp said, its errors if it marked any."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    return " / ".join((errors or lines)[-_TAIL:]) or "it ended without a message"


def build() -> str:
    """Name the llama.cpp at hand."""
    import xllamacpp

    info = xllamacpp.BUILD_INFO
    known = f", build {info['build_number']} ({info['commit']})" if info["build_number"] else ""
    return f"xllamacpp {xllamacpp.__version__}{known}"


def _serve(tokens: int, model: str, mmproj: str | None) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    if mmproj:
        params.mmproj.path = mmproj
    params.n_ctx, params.n_parallel, params.warmup = tokens, 1, False
    params.n_batch = params.n_ubatch = tokens
    params.cpuparams.n_threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(str(error))
    print(json.dumps({"address": server.listening_address, "build": build()}), flush=True)
    sys.stdin.read()
    os._exit(0)  # its threads wait for requests


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
