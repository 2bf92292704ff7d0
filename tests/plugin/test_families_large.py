"""A base of 70B shape composes without a byte of it being copied or loaded."""

from __future__ import annotations

import json
import math
from pathlib import Path

import tiny
from transformers import LlamaConfig

from bimedix2_plugin.compose import Request, compose

HIDDEN, INNER, KEYS, ROWS, LAYERS = 8192, 28672, 1024, 128256, 80  # Llama 3.1 70B
SHARD_BYTES = 4_800_000_000


def _shapes():
    layer = {
        "self_attn.q_proj": [HIDDEN, HIDDEN],
        "self_attn.k_proj": [KEYS, HIDDEN],
        "self_attn.v_proj": [KEYS, HIDDEN],
        "self_attn.o_proj": [HIDDEN, HIDDEN],
        "mlp.gate_proj": [INNER, HIDDEN],
        "mlp.up_proj": [INNER, HIDDEN],
        "mlp.down_proj": [HIDDEN, INNER],
        "input_layernorm": [HIDDEN],
        "post_attention_layernorm": [HIDDEN],
    }
    layers = {f"model.layers.{n}.{name}.weight": shape for n in range(LAYERS) for name, shape in layer.items()}
    ends = {"model.norm.weight": [HIDDEN], "lm_head.weight": [ROWS, HIDDEN]}
    return {"model.embed_tokens.weight": [ROWS, HIDDEN], **layers, **ends}


def _sharded(shapes):
    """Deal the tensors out to shards as the Hub's files have them, in order and up to a size."""
    shards, size = [{}], 0
    for name, shape in shapes.items():
        length = 2 * math.prod(shape)
        if size + length > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = {"dtype": "BF16", "shape": shape, "data_offsets": [size, size + length]}
        size += length
    return shards


def _sparse_base(folder: Path) -> int:
    """Write a base whose shards have the right headers and sizes and hold zeros that take no disk."""
    tiny.tokenizer(folder, "llama3")
    weight_map, shards = {}, _sharded(_shapes())
    for number, tensors in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        header = json.dumps(tensors).encode()
        header += b" " * (-len(header) % 8)
        with (folder / name).open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + max(entry["data_offsets"][1] for entry in tensors.values()))
        weight_map |= dict.fromkeys(tensors, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    shape = {"vocab_size": ROWS, "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS}
    LlamaConfig(**shape, num_attention_heads=64, num_key_value_heads=8).save_pretrained(folder)
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def _peak_kilobytes():
    """Return the most resident memory since the last call, and start over from what is resident now."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


def test_composes_by_links_in_little_memory(tmp_path):
    size = _sparse_base(tmp_path / "base")
    tower = tiny.clip_vision(tmp_path / "tower")
    _peak_kilobytes()
    before = _peak_kilobytes()
    folder = compose(Request(base=str(tmp_path / "base"), tower=str(tower), root=tmp_path / "composed"))
    assert size > 141e9
    assert _peak_kilobytes() - before < 1_000_000
    written = [file for file in folder.iterdir() if not file.is_symlink()]
    # The projector, [H, H] and [H, 32] in float32, and text files.
    assert sum(file.stat().st_size for file in written) < 4 * HIDDEN * (HIDDEN + 32) + 10e6
    index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))["weight_map"]
    assert set(index) > set(_shapes())
