"""Files of a page are this user's alone, and are gone when it ends, even if it was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from eval.chat.web.private_folder import private_folder

RUNNING = """
import sys, time
from eval.chat.web.private_folder import private_folder
with private_folder() as folder:
    (folder / "image.png").write_text("a patient's")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_is_private_and_removed_also_after_an_error(temporary):
    with pytest.raises(RuntimeError), private_folder() as folder:
        (folder / "image.png").write_text("a patient's")
        assert folder.parent.stat().st_mode & 0o077 == 0
        raise RuntimeError
    assert not list(temporary.iterdir())


def test_what_a_killed_page_has_left_is_removed_and_what_a_running_one_has_is_not(temporary):
    pages = [subprocess.Popen([sys.executable, "-c", RUNNING], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        images = [Path(page.stdout.readline().strip()) / "image.png" for page in pages]
        os.kill(pages[0].pid, signal.SIGKILL)
        pages[0].wait()
        assert all(image.is_file() for image in images)
        with private_folder():
            assert [image.parents[1].exists() for image in images] == [False, True] and images[1].is_file()
    finally:
        for page in pages:
            page.kill()
            page.wait()
            page.stdout.close()
