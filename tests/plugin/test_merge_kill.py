"""A merge that is killed with SIGKILL: what it leaves does not load, and the same command gives the checkpoint."""

from __future__ import annotations

import subprocess
import sys

import pytest
from transformers import LlavaForConditionalGeneration

from bimedix2_plugin.rehearse import tiny
from tests.helpers import adapters

CHILD = """
import os, signal, sys
from tests.helpers import adapters
from pathlib import Path
from bimedix2_plugin.merge import writing
writing.SHARD_BYTES = 40_000
seen = []
def update(bar, size):
    seen.append(size)
    if len(seen) == 40:
        os.kill(os.getpid(), signal.SIGKILL)
writing.tqdm.update = update
adapters.merge(*map(Path, sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_killed_merge_is_begun_again(tmp_path):
    folder = adapters.composed(tiny.llama(tmp_path / "llama", tied=False), tiny.clip_vision(tmp_path / "clip"))
    adapters.with_adapter(folder, tmp_path / "adapter")
    out = tmp_path / "merged"
    command = [sys.executable, "-c", CHILD, folder, tmp_path / "adapter", out]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    assert list((tmp_path / ".merged.weights.partial").iterdir())
    assert not (out / "composition.json").exists() and not list(out.glob("*.safetensors*"))
    with pytest.raises(OSError, match=r"model\.safetensors"):
        LlavaForConditionalGeneration.from_pretrained(out)
    adapters.merge(folder, tmp_path / "adapter", out)
    assert LlavaForConditionalGeneration.from_pretrained(out, output_loading_info=True)[1]["missing_keys"] == set()
    assert (out / "composition.json").is_file() and not list(tmp_path.glob("*merged.weights*"))
