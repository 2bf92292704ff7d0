"""The real `axolotl` command, timed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path


def axolotl(*arguments: str) -> tuple[float, float]:
    """Run one command of Axolotl's; its seconds, and seconds of processor time, its children's with them.

    Raises:
        SystemExit: it failed; the end of what it printed is told.
    """
    start, before = time.perf_counter(), processor_seconds()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("axolotl")), *arguments],
        env=os.environ | {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"axolotl {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - start, processor_seconds() - before


def processor_seconds() -> float:
    """Processor time of this process and of its children that have ended; other work on the machine adds nothing."""
    return sum(os.times()[:4])
