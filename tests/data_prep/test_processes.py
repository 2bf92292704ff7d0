"""Processes of a build: none is left when it ends, however it ends, and one that dies ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep import manifest
from data_prep.pipeline.processes import WorkerDied, run_in_processes
from tests.helpers.data_fixtures import llava_mixture, llava_row

MARK = "BIMEDIX2_TEST_BUILD"

WAITING = """
import sys
from pathlib import Path
from data_prep import build
from data_prep.__main__ import main
from data_prep.pipeline import stage

def wait_in(folder):
    def read_slices(workdir, *_):
        def task(rank, advance):
            import os, time
            (folder / f"pid-{rank}").write_text(str(os.getpid()))
            time.sleep(rank and 100)
        stage.run(workdir, "read", task, [1, 1, 1])
    return read_slices

mixture, out = sys.argv[1:]
build.read_rows.read_slices = wait_in(Path(out).parent)
build._SMALL = 0
raise SystemExit(main(["build", mixture, "--out", out, "--workers", "2"]))
"""
"""A build whose first task is done at once, and whose others wait."""

SCRIPT = """
from data_prep import build, mixture_file
from data_prep.pipeline import slices
from pathlib import Path

build._SMALL, slices.ROWS = 0, 1
made = build.build(mixture_file.load(Path("tiny.yml")), Path("out"), "test", 2)
assert made["written"] == 3
"""
OWN_SOURCE = """
from dataclasses import dataclass, fields
from data_prep import build, mixture_file
from data_prep.pipeline import slices
from data_prep.sources.messages import Messages
from pathlib import Path

@dataclass(frozen=True, kw_only=True)
class Own(Messages):
    def sample(self, row_id, row):
        return super().sample(row_id, {**row, "domain": PLANE})

PLANE = {"mri": True}

def run():
    build._SMALL, slices.ROWS = 0, 1
    mixture = mixture_file.load(Path("tiny.yml"))
    mixture.sources[0] = Own(**{field.name: getattr(mixture.sources[0], field.name) for field in fields(Messages)})
    assert build.build(mixture, Path("out"), "test", 2)["counts"]["modality"] == {"mri": 3}
"""


@pytest.fixture
def mixture(tmp_path):
    return llava_mixture(tmp_path, [llava_row(name, answer=f"a scan of {name}") for name in ("one", "two", "three")])


def marked(value: str) -> list[int]:
    """The processes that have this value in their environment, and so descend from the one that was given it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={value}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.fixture
def waiting(mixture, tmp_path):
    """A build in the middle of a stage, and the workers' process ids."""
    environment = os.environ | {MARK: str(tmp_path)}
    command = [sys.executable, "-c", WAITING, str(mixture), str(tmp_path / "out")]
    with subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        pids = [tmp_path / f"pid-{rank}" for rank in (1, 2)]
        assert until(lambda: all(path.exists() and path.read_text() for path in pids))
        yield process, [int(path.read_text()) for path in pids]
        process.kill()
    assert until(lambda: not marked(str(tmp_path)))


def test_a_killed_build_leaves_no_process(waiting, tmp_path):
    process, workers = waiting
    assert set(workers) < set(marked(str(tmp_path)))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert until(lambda: not marked(str(tmp_path)), seconds=10), "processes are left"


@pytest.mark.parametrize("group", [True, False], ids=["Ctrl-C", "kill -INT"])
def test_an_interrupted_build_leaves_no_process_and_says_one_line(waiting, tmp_path, group):
    process, _ = waiting
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    assert process.wait(20) == 130
    assert process.stderr.read().splitlines() == ["interrupted; run the same command to resume"]
    assert until(lambda: not marked(str(tmp_path)), seconds=10)


def test_an_interruption_that_reaches_a_worker_first_is_no_fault_of_the_worker(waiting):
    process, workers = waiting
    os.kill(workers[1], signal.SIGINT)
    assert process.wait(20) == 130
    assert process.stderr.read().splitlines() == ["interrupted; run the same command to resume"]


@pytest.mark.parametrize("how, says", [(signal.SIGKILL, "SIGKILL, as the kernel does"), (signal.SIGSEGV, "SIGSEGV;")])
def test_a_worker_that_dies_ends_the_build_with_one_message(waiting, tmp_path, how, says):
    process, workers = waiting
    os.kill(workers[1], how)
    assert process.wait(20) == 1
    (message,) = process.stderr.read().splitlines()
    assert f"out was not built: stage read: a worker process was ended by {says}" in message
    assert "finished tasks are kept" in message and "run the same command to resume" in message
    assert (tmp_path / ".out.build/read/datatrove/completions/00000").exists()
    assert until(lambda: not marked(str(tmp_path)), seconds=10)


@pytest.mark.parametrize("way", ["file", "-c", "stdin"])
def test_a_script_without_a_guard_builds(mixture, tmp_path, way):
    (tmp_path / "script.py").write_text(SCRIPT)
    arguments, given = {"file": (["script.py"], None), "-c": (["-c", SCRIPT], None), "stdin": ([], SCRIPT)}[way]
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert manifest.read(tmp_path / "out")["written"] == 3


@pytest.mark.parametrize("guard", [True, False])
def test_a_script_with_a_source_of_its_own_needs_a_guard_and_is_told(mixture, tmp_path, guard):
    call = 'if __name__ == "__main__":\n    run()\n' if guard else "run()\n"
    (tmp_path / "script.py").write_text(OWN_SOURCE + call)
    ran = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == (0 if guard else 1), ran.stderr
    assert ('call build() under `if __name__ == "__main__":`' in ran.stderr.splitlines()[-1]) == (not guard)


def test_the_first_exception_of_a_task_ends_the_others():
    def task(rank):
        if rank == 1:
            raise ValueError("one")
        time.sleep(100 if rank > 1 else 0)

    start = time.monotonic()
    with pytest.raises(ValueError, match="one"):
        run_in_processes(task, [0, 1, 2, 3], 2)
    assert time.monotonic() - start < 50


def test_a_worker_that_ends_itself_is_told():
    with pytest.raises(WorkerDied, match="exit code 3"):
        run_in_processes(lambda rank: os._exit(3), [0, 1], 2)
