"""Every shipped recipe is rehearsed: 19 runs, two side by side, cover the 29 recipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import rehearsed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
SIDE_BY_SIDE = 2


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The reports of all runs by recipe; a run that wrote none is missing."""
    folder = tmp_path_factory.mktemp("rehearsals")
    rehearsed.make_place(folder)
    commands = [
        [sys.executable, "-m", "tests.helpers.rehearsed", str(folder), *rehearsed.RUNS[part::SIDE_BY_SIDE]]
        for part in range(SIDE_BY_SIDE)
    ]
    root = Path(__file__).parents[2]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # several threads each would wait for one another
    processes = [
        subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL) for command in commands
    ]
    assert [process.wait() for process in processes] == [0] * SIDE_BY_SIDE
    return {
        name: json.loads((folder / "reports" / name / "report.json").read_text(encoding="utf-8"))
        for name in rehearsed.RUNS
        if (folder / "reports" / name / "report.json").is_file()
    }


@pytest.mark.parametrize("name", rehearsed.RUNS)
def test_the_recipe_is_rehearsed(reports, name):
    report = reports[name]
    failed = [proof for proof in report["proofs"] if proof["state"] == "failed"]
    assert report["passed"], (failed, report["failure"], report["log"])


def test_every_recipe_is_counted(reports):
    covered = {path for report in reports.values() for path in report["recipes"].values()}
    assert {Path(path).resolve() for path in covered} == {rehearsed.RECIPES / f"{name}.yml" for name in rehearsed.NAMES}
    assert len(covered) == 33 and len(reports) == 21
