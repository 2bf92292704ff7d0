"""Shared fixtures: offline, and one folder of tiny parts a session."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Child processes find this `tests`, not one that some package has put beside the installed ones.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))

import atexit
import gc
import shutil
import sys

import absl.logging
import colorama.initialise
import hypothesis
import pytest

from bimedix2_plugin.rehearse import tiny
from tests.helpers import runs, tiny_data

# The first example pays for imports, and two cores are shared: a time is not a test.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")

# rouge-score imports absl, whose handler closes its stream when Axolotl configures logging: not pytest's.
absl.logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


def pytest_sessionfinish():
    """Drop colorama's farewell: it would write to Axolotl's copy of a stdout that pytest has closed."""
    atexit.unregister(colorama.initialise.reset_all)


@pytest.fixture(scope="module", autouse=True)
def _imports_are_not_garbage():
    """Leave what a module's tests imported out of later collections: Axolotl collects at every packing."""
    yield
    gc.freeze()


@pytest.fixture(autouse=True)
def _one_environment():
    """Put os.environ back: `datasets.map` with processes leaves a copy in its place, which monkeypatch cannot undo."""
    environment = os.environ
    yield
    os.environ = environment  # noqa: B003 - the very object, not its content


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama, a tiny CLIP, a tiny DINOv2 with other image tokens, and a tiny data set."""
    folder = tmp_path_factory.mktemp("parts")
    tiny.llama(folder / "llama", tied=True)
    tiny.clip_vision(folder / "clip")
    tiny.dinov2(folder / "dino", patch=7)
    tiny_data.dataset(folder / "data")
    return folder


@pytest.fixture
def work(parts: Path, tmp_path: Path):
    """A fresh copy of the tiny parts, as the working directory."""
    shutil.copytree(parts, tmp_path, dirs_exist_ok=True)
    with runs.inside(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def workshop(parts: Path, tmp_path_factory: pytest.TempPathFactory):
    """The same, shared by a module's tests."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copytree(parts, folder, dirs_exist_ok=True)
    with runs.inside(folder):
        yield folder
