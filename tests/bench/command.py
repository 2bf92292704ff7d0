"""The real `axolotl` command, timed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def axolotl(*arguments: str) -> tuple[float, float]:
    """Run one command of Axolotl's; its seconds, and seconds of processor time, its children's with them.

    Raises:
        SystemExit: it failed; the end of what it printed is told.
    """

    def run() -> None:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("axolotl")), *arguments],
            env=os.environ | {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"axolotl {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")

    return timed(run)


def timed(do: Callable[[], Any]) -> tuple[float, float]:
    """Seconds that something takes, and seconds of processor time of this process and of its children that end."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    do()
    return time.perf_counter() - start, sum(os.times()[:4]) - before
