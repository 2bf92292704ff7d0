"""A base of 70B shape composes in seconds without a byte of it being copied or loaded."""

from __future__ import annotations

import json
import time
from pathlib import Path

from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny
from tests.helpers import sparse

LAYERS = 80  # Llama 3.1 70B
INDEX = "model.safetensors.index.json"


def _peak_kilobytes():
    """Return the most resident memory since the last call, and start over from what is resident now."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


def test_composes_by_links_in_little_memory(tmp_path):
    size = sparse.base(tmp_path / "base", LAYERS)
    tower = tiny.clip_vision(tmp_path / "tower")
    _peak_kilobytes()
    before = _peak_kilobytes()
    start = time.process_time()
    folder = compose(Request(base=str(tmp_path / "base"), tower=str(tower), root=tmp_path / "composed"))
    assert time.process_time() - start < 10
    assert size > 141e9
    assert _peak_kilobytes() - before < 1_000_000
    written = [file for file in folder.iterdir() if not file.is_symlink()]
    # The projector, [H, H] and [H, 32] in float32, and text files.
    assert sum(file.stat().st_size for file in written) < 4 * sparse.HIDDEN * (sparse.HIDDEN + 32) + 10e6
    index, base = (set(json.loads((of / INDEX).read_text())["weight_map"]) for of in (folder, tmp_path / "base"))
    assert len(base) == 9 * LAYERS + 3 and index > base
