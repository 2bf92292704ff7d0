"""The Makefile's steps, with real child processes: title, log, progress, result, failure, signals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest

from bimedix2_plugin import steps
from bimedix2_plugin.training import run_folder
from tests.helpers import runs

ROOT = Path(__file__).parents[2]
TELL = "from bimedix2_plugin.steps import write_progress as tell; import time, sys, os, signal\n"


def _command(folder, code, *options, number="3/7"):
    run = [sys.executable, "-m", "bimedix2_plugin.steps", "run", number, "stage 1: the projector"]
    run += ["--log", str(folder / "logs/one.log"), "--times", str(folder / "logs/times.jsonl"), *options]
    return [*run, "--", sys.executable, "-c", TELL + code]


def _run(folder, code, *options):
    return subprocess.run(
        _command(folder, code, *options), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def _log(folder):
    return (folder / "logs/one.log").read_text(encoding="utf-8")


def test_a_step_prints_its_title_and_what_it_made(tmp_path):
    done = _run(tmp_path, "print('out'); print('err', file=sys.stderr)", "--about", "1 min", "--made", "outputs/x")
    assert done.returncode == 0 and done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "3 of 7, stage 1: the projector, about 1 min"
    assert second.startswith("   done in ") and second.endswith(" s: outputs/x")
    assert "out" in _log(tmp_path).split() and "err" in _log(tmp_path).split()


def test_a_failure_shows_the_end_of_the_log_and_keeps_all_of_it(tmp_path):
    code = "\nfor n in range(40): print(f'line {n}.')\nprint('10%\\r20%\\r30%'); sys.exit(3)"
    done = _run(tmp_path, code)
    assert done.returncode == 3
    assert "line 39." in done.stderr and "line 20." not in done.stderr and "line 0." in _log(tmp_path)
    assert "   | 30%\n" in done.stderr and "10%" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert "failed with exit code 3" in last and str(tmp_path / "logs/one.log") in last
    assert not (tmp_path / "logs/times.jsonl").exists()


def test_a_command_that_is_not_there(tmp_path):
    command = _command(tmp_path, "")
    command[command.index("--") + 1 :] = ["no-such-program"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 127 and "no-such-program" in done.stderr and "Traceback" not in done.stderr


def test_a_result_is_shown_and_its_messages_are_not(tmp_path):
    done = _run(tmp_path, "print('the table'); print('warning', file=sys.stderr)", "--show")
    assert "\nthe table\n" in done.stdout and "warning" not in done.stdout and "warning" in _log(tmp_path)


def test_a_result_with_failures_is_followed_by_the_last_message_only(tmp_path):
    code = "print('fail  a'); print('warning', file=sys.stderr); print('1 of 2 failed', file=sys.stderr); sys.exit(1)"
    done = _run(tmp_path, code, "--show")
    assert done.returncode == 1 and "\nfail  a\n" in done.stdout
    assert done.stderr.splitlines()[0] == "   | 1 of 2 failed" and len(done.stderr.splitlines()) == 2


def test_a_child_killed_by_a_signal(tmp_path):
    done = _run(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 128 + signal.SIGKILL and "failed with exit code 137" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_reaches_the_whole_family_of_the_child(tmp_path, number):
    """The child's own child would otherwise go on training."""
    code = (
        "import subprocess\n"
        "inner = 'import time, sys, signal\\n"
        'for n in (2, 15): signal.signal(n, lambda *_: (print("inner ends", flush=True), sys.exit()))\\n'
        'print("ready", flush=True); time.sleep(60)\'\n'
        "subprocess.run([sys.executable, '-c', inner])"
    )
    job = subprocess.Popen(_command(tmp_path, code), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        while not (tmp_path / "logs/one.log").is_file() or "ready" not in _log(tmp_path).splitlines():
            assert job.poll() is None
            time.sleep(0.05)
        job.send_signal(number)
        out, _ = job.communicate(timeout=30)
    finally:
        job.kill()
    assert job.returncode == 128 + number
    assert "interrupted after" in out and "the same command resumes" in out
    deadline = time.monotonic() + 10
    while "inner ends" not in _log(tmp_path).splitlines() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "inner ends" in _log(tmp_path).splitlines()


def test_after_nohup_a_run_outlives_its_terminal(tmp_path):
    code = "print('ready', flush=True); time.sleep(2); print('whole', flush=True)"
    job = subprocess.Popen(["nohup", *_command(tmp_path, code)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        while not (tmp_path / "logs/one.log").is_file() or "ready" not in _log(tmp_path).splitlines():
            assert job.poll() is None
            time.sleep(0.05)
        job.send_signal(signal.SIGHUP)
        job.communicate(timeout=30)
    finally:
        job.kill()
    assert job.returncode == 0 and "whole" in _log(tmp_path).splitlines()


def _on_a_terminal(command):
    """Run a command on a terminal of its own; return what it wrote."""
    primary, secondary = pty.openpty()
    job = subprocess.Popen(command, cwd=ROOT, stdout=secondary, stderr=secondary)
    os.close(secondary)
    written = b""
    try:
        while part := os.read(primary, 4096):
            written += part
    except OSError:  # Linux: the other end is closed
        pass
    os.close(primary)
    assert job.wait(timeout=30) == 0
    return written.decode()


def test_a_terminal_has_one_line_of_progress_that_goes(tmp_path):
    code = "\nfor n in (1, 2, 3): tell(n, 4, 2.5 / n); time.sleep(0.6)"
    written = _on_a_terminal(_command(tmp_path, code))
    assert "\r   step 1 of 4, loss 2.5\x1b[K" in written
    assert "\r   step 3 of 4, loss 0.833, about " in written and " s left\x1b[K" in written
    assert written.count("\n") == 2  # the title, and what is left at the end
    assert "\r\x1b[K   done in" in written


def test_a_terminal_shows_a_progress_bar_where_nothing_is_trained(tmp_path):
    code = "\nprint('Training will fail'); print('a: 3/9 items, 1 s left'); print('other', flush=True); time.sleep(1)"
    written = _on_a_terminal(_command(tmp_path, code))
    assert "\r   a: 3/9 items, 1 s left\x1b[K" in written and "will fail" not in written


def test_without_a_terminal_lines_are_rare(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(steps.time, "monotonic", lambda: clock[0])
    out, progress = StringIO(), tmp_path / "progress.json"
    monkeypatch.setenv(steps.PROGRESS, str(progress))
    display = steps.Display(out, progress, tmp_path / "log")
    for step in range(1, 201):
        clock[0] += 2.5
        steps.write_progress(step, 200, 1.0)
        display.update()
    lines = out.getvalue().splitlines()
    assert 4 <= len(lines) <= 8, lines
    assert lines[0] == "   step 24 of 200, loss 1, about 7 min 20 s left"


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '{"step": null, "steps": 3}', '{"step": 1}'])
def test_unreadable_progress_is_no_progress(tmp_path, content):
    (tmp_path / "progress.json").write_text(content)
    steps.Display(StringIO(), tmp_path / "progress.json", tmp_path / "log").update()


def test_progress_is_written_only_where_it_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.delenv(steps.PROGRESS, raising=False)
    monkeypatch.chdir(tmp_path)
    steps.write_progress(1, 2, None)
    assert list(tmp_path.iterdir()) == []


def test_a_real_training_tells_its_progress(work, monkeypatch):
    told = []
    monkeypatch.setenv(steps.PROGRESS, "progress.json")
    monkeypatch.setattr(run_folder, "write_progress", lambda *what: (told.append(what), steps.write_progress(*what)))
    runs.train(max_steps=3)
    last = json.loads(Path("progress.json").read_text(encoding="utf-8"))
    assert (last["step"], last["steps"]) == (3, 3) and 0 < last["loss"] < 20
    assert {what[0] for what in told} == {1, 2, 3}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (725, "12 min 05 s"), (12000, "3 h 20 min")],
)
def test_durations(seconds, said):
    assert steps.duration(seconds) == said


def test_the_table_of_times_adds_up_what_was_resumed(tmp_path):
    file = tmp_path / "times.jsonl"
    entries = [("set-up", 17), ("stage 1", 30), ("stage 1", 45)]
    file.write_text("".join(json.dumps({"title": t, "seconds": s}) + "\n" for t, s in entries))
    rows = [line.split("  ") for line in steps.times(file).splitlines()]
    assert [(row[-2].strip(), row[-1]) for row in rows] == [
        ("17 s", "set-up"),
        ("1 min 15 s", "stage 1"),
        ("1 min 32 s", "together"),
    ]
    assert "together" in steps.times(tmp_path / "none")
