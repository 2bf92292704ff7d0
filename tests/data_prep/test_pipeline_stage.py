"""Stages start their workers without importing again."""

import sys

from data_prep.pipeline.stage import Work, run


def test_workers_are_forked_with_the_modules_that_tasks_need(tmp_path):
    """One start of a worker's own imports takes a second; a build has nine stages."""

    def task(rank, tick):
        work.path("stage", rank, "txt").write_text(str("data_prep.assemble" in sys.modules))

    work = Work(tmp_path, 2)
    run(work, "stage", task, [1, 1])
    assert [work.path("stage", rank, "txt").read_text() for rank in range(2)] == ["True", "True"]
