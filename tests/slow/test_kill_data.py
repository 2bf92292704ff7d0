"""A build that is killed in any stage resumes, and gives the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.data_fixtures import encoded, llava_mixture, llava_row, random_image

pytestmark = pytest.mark.slow

STAGES = ("read", "images", "fingerprints", "near", "scatter", "gather", "store")
RUN = """
from data_prep import build
from data_prep.pipeline import load_images, read_rows
build._SMALL, read_rows.ROWS, load_images._IMAGES_PER_TASK = 0, 40, 2
from data_prep.__main__ import main
raise SystemExit(main(["build", "{mixture}", "--out", "{out}", "--workers", "2"]))
"""


def start(mixture: Path, out: Path) -> subprocess.Popen:
    code = RUN.format(mixture=mixture, out=out)
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    rows = [
        llava_row(str(n), ("a.png", "b.png", None)[n % 3], f"{'<image>' if n % 3 < 2 else ''} What is {n} of {n * n}?")
        for n in range(400)
    ]
    rows.insert(1, llava_row("0", "c.png"))  # its id is taken: the store's first file leaves this image out
    (folder / "images").mkdir()
    (folder / "images/c.png").write_bytes(encoded(random_image(2)))
    return llava_mixture(folder, rows, shuffle=True, duplicates={"near": True}, rows_per_shard=60)


@pytest.fixture(scope="module")
def whole(mixture):
    out = mixture.parent / "whole"
    assert start(mixture, out).wait() == 0
    return content(out)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_in_a_stage_and_run_again(stage, mixture, whole):
    out = mixture.parent / f"out-{stage}"
    work = out.with_name(f".{out.name}.build") / stage / "datatrove"
    process = start(mixture, out)
    while not work.exists() and process.poll() is None:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert start(mixture, out).wait() == 0
    again = content(out)
    assert again.keys() == whole.keys()
    assert {name for name in whole if again[name] != whole[name]} <= {"README.md", "manifest.json"}
    for name in ("README.md", "manifest.json"):
        assert again[name].replace(f"/{out.name}".encode(), b"/whole") == whole[name]
