"""Runs `axolotl` commands of a rehearsal, with their output in a log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# Arguments of `axolotl`, the log; returns the exit status, negative for a signal.
Run = Callable[[Sequence[str], Path], int]
LAST_LINES = 15
# Not the script `axolotl`: `datasets` saves in a spawned process, which would import that script, and Axolotl, again.
_AXOLOTL = "from axolotl.cli.main import cli; cli(prog_name='axolotl')"


def run_axolotl(arguments: Sequence[str], log: Path) -> int:
    """Run one `axolotl` command, in a process group of its own, which ends with this process's interruption."""
    scratch = log.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    own = {"AXOLOTL_DO_NOT_TRACK": "1", "HF_DATASETS_CACHE": str(scratch / "datasets"), "TMPDIR": str(scratch)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _AXOLOTL, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | own,
            start_new_session=True,
        )
        try:
            return process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def last_lines(log: Path) -> str:
    """Return the end of a log, for a message about a failure."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join(line for line in lines[-LAST_LINES:])
