"""Stages start their workers without importing again."""

import subprocess
import sys

from data_prep.pipeline.stage import BuildFolder

FORKED = """
import sys
from pathlib import Path

from data_prep.pipeline.stage import BuildFolder, run


def build(folder):
    workdir = BuildFolder(folder, 2)

    def task(rank, advance):
        import sys

        workdir.path("stage", rank, "txt").write_text(str("data_prep.assemble" in sys.modules))

    run(workdir, "stage", task, [1, 1])


build(Path(sys.argv[1]))
"""


def test_workers_are_forked_with_the_modules_that_tasks_need(tmp_path):
    """One start of a worker's own imports takes a second; a build has nine stages.

    In a process of its own: a fork server that another test has started would go on with that test's modules.
    """
    subprocess.run([sys.executable, "-c", FORKED, tmp_path], check=True, capture_output=True)
    workdir = BuildFolder(tmp_path, 2)
    assert [workdir.path("stage", rank, "txt").read_text() for rank in range(2)] == ["True", "True"]
