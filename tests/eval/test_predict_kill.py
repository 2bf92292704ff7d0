"""kill -9 in the middle of an evaluation, then the same command: nothing lost, nothing asked twice."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.helpers import eval_builders as make

pytestmark = pytest.mark.slow


def answered(path):
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


@pytest.fixture
def folder(tmp_path):
    rows = [
        make.row(f"r{number:03}", "en", "vqa_short", [(f"Question {number}? " * (1 + number % 7), "That.")], [colour])
        for number, colour in enumerate(make.COLOURS * 12)
    ]
    make.write_data(tmp_path / "data", {"test": rows})
    make.write_llava(tmp_path / "model")
    return tmp_path


def command(folder, out):
    options = {"model": folder / "model", "data": folder / "data", "split": "test", "out": folder / out}
    named = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "eval", "run", *named, "--batch-size", "4", "--max-new-tokens", "16"]


def test_evaluation_killed_twice(folder):
    subprocess.run(command(folder, "whole"), check=True, capture_output=True)
    whole, killed = (folder / out / "predictions" / "test.jsonl" for out in ("whole", "killed"))
    for share in (8, 32):
        process = subprocess.Popen(command(folder, "killed"), stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 300
        while answered(killed) < share:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert answered(killed) < 60
        with killed.open("ab") as file:
            file.write(b'{"benchmark": "da')  # as if the last line had been cut
    subprocess.run(command(folder, "killed"), check=True, capture_output=True)
    lines = {path: [json.loads(line) for line in path.read_text().splitlines()] for path in (whole, killed)}
    assert lines[whole][0] == lines[killed][0] and len(lines[killed]) == 61
    items = [[{**line, "seconds": None} for line in lines[path][1:]] for path in (whole, killed)]
    assert items[0] == items[1]
