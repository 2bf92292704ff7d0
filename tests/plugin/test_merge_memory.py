"""Merging at Llama 3.1 70B's shapes: memory for shards, not for the model. Fewer layers, so that the disk holds it."""

from __future__ import annotations

import pytest
from safetensors import safe_open

from bimedix2_plugin.merge.writing import SHARD_BYTES
from bimedix2_plugin.rehearse import tiny
from tests.helpers import adapters, sparse

LAYERS = 8  # 18 GB: more than three shards


@pytest.mark.slow
def test_a_merge_takes_less_memory_than_three_shards(tmp_path):
    size = sparse.base(tmp_path / "base", LAYERS)
    folder = adapters.composed(tmp_path / "base", tiny.clip_vision(tmp_path / "clip"))
    (tmp_path / "adapter").mkdir()
    sparse.adapter(tmp_path / "adapter", LAYERS, vision_hidden=32)
    sparse.peak_bytes()
    before = sparse.peak_bytes()
    merged = adapters.merge(folder, tmp_path / "adapter", tmp_path / "merged")
    peak = sparse.peak_bytes() - before
    print(f"\nmerged {size / 1e9:.1f} GB in {peak / 1e9:.2f} GB of memory")
    files = sorted(merged.glob("model-*.safetensors"))
    assert size > 3 * SHARD_BYTES > peak
    assert len(files) == 4 and max(file.stat().st_size for file in files) < SHARD_BYTES + 1e6
    last = f"language_model.model.layers.{LAYERS - 1}.mlp.down_proj.weight"
    values = [opened.get_slice(last)[:2] for file in files if last in (opened := safe_open(file, "pt")).keys()]  # noqa: SIM118
    assert len(values) == 1 and bool((values[0] == 16).all())
