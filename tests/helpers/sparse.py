"""A base with Llama 3.1 70B's shapes in sparse files of zeros, which take no disk space, and a LoRA for it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from transformers import LlamaConfig

from bimedix2_plugin.model.families import LORA_TARGETS
from bimedix2_plugin.model.projector import PROJECTOR
from bimedix2_plugin.rehearse import tiny

HIDDEN, INNER, KEYS, ROWS = 8192, 28672, 1024, 128256
SHARD_BYTES = 4_800_000_000
LINEAR = {
    "self_attn.q_proj": [HIDDEN, HIDDEN],
    "self_attn.k_proj": [KEYS, HIDDEN],
    "self_attn.v_proj": [KEYS, HIDDEN],
    "self_attn.o_proj": [HIDDEN, HIDDEN],
    "mlp.gate_proj": [INNER, HIDDEN],
    "mlp.up_proj": [INNER, HIDDEN],
    "mlp.down_proj": [HIDDEN, INNER],
}


def base(folder: Path, layers: int) -> int:
    """Write the base in bf16; return the nominal size of its shards in bytes."""
    tiny.tokenizer(folder, "llama3")
    layer = LINEAR | {"input_layernorm": [HIDDEN], "post_attention_layernorm": [HIDDEN]}
    shapes = {f"model.layers.{n}.{name}.weight": shape for n in range(layers) for name, shape in layer.items()}
    ends = {
        "model.norm.weight": [HIDDEN],
        "lm_head.weight": [ROWS, HIDDEN],
        "model.embed_tokens.weight": [ROWS, HIDDEN],
    }
    weight_map, shards = {}, _sharded(shapes | ends)
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
    shape = {"vocab_size": ROWS, "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": layers}
    LlamaConfig(**shape, num_attention_heads=64, num_key_value_heads=8).save_pretrained(folder)
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def _sharded(shapes: dict[str, list[int]]) -> list[dict[str, dict]]:
    """Group the tensors into shards like those on the Hub, in order and up to a size."""
    shards, size = [{}], 0
    for name, shape in shapes.items():
        length = 2 * math.prod(shape)
        if size + length > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = {"dtype": "BF16", "shape": shape, "data_offsets": [size, size + length]}
        size += length
    return shards


def adapter(folder: Path, layers: int, vision_hidden: int, rank: int = 8) -> None:
    """Write a LoRA of ones for all targets, and a projector of zeros: each merged weight is 2 * rank."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LORA_TARGETS, modules_to_save=[PROJECTOR])
    config.save_pretrained(folder)
    tensors = {}
    for layer in range(layers):
        for name, (rows, columns) in LINEAR.items():
            module = f"base_model.model.model.language_model.layers.{layer}.{name}"
            tensors[f"{module}.lora_A.weight"] = torch.ones(rank, columns)
            tensors[f"{module}.lora_B.weight"] = torch.ones(rows, rank)
    projector = "base_model.model.model.multi_modal_projector.linear_"
    for number, width in ((1, vision_hidden), (2, HIDDEN)):
        tensors |= {
            f"{projector}{number}.weight": torch.zeros(HIDDEN, width),
            f"{projector}{number}.bias": torch.zeros(HIDDEN),
        }
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def peak_bytes() -> int:
    """Return the peak resident memory since the last call, and reset it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
