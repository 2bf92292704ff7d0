"""Stages start their workers without importing again."""

import sys

from data_prep.pipeline.stage import BuildFolder, run


def test_workers_are_forked_with_the_modules_that_tasks_need(tmp_path):
    """One start of a worker's own imports takes a second; a build has nine stages."""

    def task(rank, advance):
        workdir.path("stage", rank, "txt").write_text(str("data_prep.assemble" in sys.modules))

    workdir = BuildFolder(tmp_path, 2)
    run(workdir, "stage", task, [1, 1])
    assert [workdir.path("stage", rank, "txt").read_text() for rank in range(2)] == ["True", "True"]
