"""Rehearses shipped recipes with commands that are forked instead of started.

As a program: rehearse some recipes one after another, `python -m tests.helpers.rehearsed FOLDER NAME...`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from bimedix2_plugin.rehearse import tiny
from bimedix2_plugin.rehearse.rehearsal import rehearse
from tests.helpers import tiny_data
from tests.helpers.forked import run_forked

RECIPES = Path(__file__).parents[2] / "recipes"
ROOMS = ("", "ablations", "bases", "native", "towers")
NAMES = [
    path.relative_to(RECIPES).with_suffix("").as_posix()
    for room in ROOMS
    for path in sorted((RECIPES / room).glob("*.yml"))
]
# Stage 1 is rehearsed with its stage 2; `make rehearse` has the same rule.
RUNS = [name for name in NAMES if name.removesuffix("_stage1") not in NAMES or not name.endswith("_stage1")]
IN_EVERY_TEST_RUN = ("bimedix2_8b", "bimedix2_70b", "bimedix2_8b_qlora")


def make_place(folder: Path) -> None:
    """Make what the recipes name in a folder: a dataset, and the quickstart's parts, which are local folders."""
    tiny_data.dataset(folder / "rows", rows=32)
    tiny.llama(folder / "parts" / "smollm2", tied=True)
    tiny.dinov2(folder / "parts" / "dinov2", image_size=112)


def report_of(name: str, folder: Path, **options: Any) -> dict[str, Any]:
    """Rehearse a recipe in a folder that `make_place` made; return what its report.json says."""
    before = Path.cwd()
    os.chdir(folder)
    out = folder / "reports" / name
    try:
        rehearse(RECIPES / f"{name}.yml", data=folder / "rows", out=out, run=run_forked, **options)
    finally:
        os.chdir(before)
    return dict(json.loads((out / "report.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    for one in sys.argv[2:]:
        report_of(one, Path(sys.argv[1]))
