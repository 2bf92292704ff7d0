"""The vision part of a LLaVA checkpoint in the names and numbers of llama.cpp: tower, projector, image normalisation.

Keys and tensors are those that llama.cpp's tools/mtmd/clip.cpp reads for the projector type `mlp`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch

_TOP = {
    "embeddings.class_embedding": "v.class_embd",
    "embeddings.patch_embedding.weight": "v.patch_embd.weight",
    "embeddings.patch_embedding.bias": "v.patch_embd.bias",
    "embeddings.position_embedding.weight": "v.position_embd.weight",
    "pre_layrnorm.weight": "v.pre_ln.weight",
    "pre_layrnorm.bias": "v.pre_ln.bias",
    "linear_1.weight": "mm.0.weight",
    "linear_1.bias": "mm.0.bias",
    "linear_2.weight": "mm.2.weight",
    "linear_2.bias": "mm.2.bias",
}
_BLOCK = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.out_proj": "attn_out",
    "layer_norm1": "ln1",
    "layer_norm2": "ln2",
    "mlp.fc1": "ffn_up",
    "mlp.fc2": "ffn_down",
}
# In 16 bits, these lose precision that shows in the embeddings.
WHOLE = frozenset({"v.patch_embd.weight", "v.position_embd.weight", "mm.0.weight"})
_INSIDE = re.compile(r"^(?:.*\.)?(?:vision_tower\.(?:vision_model\.)?|multi_modal_projector\.)(?P<rest>.*)$")
_IN_BLOCK = re.compile(r"^encoder\.layers\.(?P<block>\d+)\.(?P<module>.*)\.(?P<kind>weight|bias)$")


@dataclass(frozen=True)
class VisionPart:
    """A tower and its projector. d: the tower's width, f: its feed-forward width, H: the language model's width.

    Attributes:
        tensors: by llama.cpp's names, float32; linear weights are [out, in].
        width, feed_forward, heads, blocks: of the tower, with the blocks that the projector's input needs.
        epsilon: of its layer norms.
        image_size, patch_size: in pixels.
        activation: of its feed-forward layers, in transformers' words.
        mean, std: of the normalisation, one per colour.
        text_width: H.
        whole: names of the matrices that are stored in 32 bits.
        note: what the file's description says about its form.
    """

    tensors: dict[str, torch.Tensor]
    width: int
    feed_forward: int
    heads: int
    blocks: int
    epsilon: float
    image_size: int
    patch_size: int
    activation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    text_width: int
    whole: frozenset[str] = WHOLE
    note: str = ""


def read_vision(checkpoint: Checkpoint) -> VisionPart:
    """Read the tower and the projector of a checkpoint.

    Raises:
        RecipeError: a tensor is missing, or one is unknown.
    """
    config = checkpoint.vision
    tensors, unknown = {}, []
    for stored in checkpoint.shards.weight_map:
        inside = _INSIDE.match(stored)
        name = _name(inside["rest"], checkpoint.vision_blocks) if inside else ""
        if name is None:
            unknown.append(stored)
        elif name:
            tensors[name] = checkpoint.shards.tensor(stored).float()
    text_width = int(tensors["mm.2.weight"].shape[0]) if "mm.2.weight" in tensors else 0
    _add_zero_biases(tensors)
    missing = sorted(_expected(checkpoint) - tensors.keys())
    if unknown or missing:
        raise RecipeError(
            f"MERGED: {checkpoint.folder}: the vision part is not a CLIP's or SigLIP's: "
            + "; ".join([f"unknown tensor {name}" for name in unknown[:3]] + [f"no {name}" for name in missing[:3]])
        )
    return VisionPart(
        tensors=tensors,
        width=int(config["hidden_size"]),
        feed_forward=int(config["intermediate_size"]),
        heads=int(config["num_attention_heads"]),
        blocks=checkpoint.vision_blocks,
        epsilon=float(config["layer_norm_eps"]),
        image_size=int(config["image_size"]),
        patch_size=int(config["patch_size"]),
        activation=str(config["hidden_act"]),
        mean=tuple(checkpoint.processor["image_mean"]),
        std=tuple(checkpoint.processor["image_std"]),
        text_width=text_width,
    )


def _name(rest: str, blocks: int) -> str | None:
    """Return llama.cpp's name of a tensor; "" for one that the projector's input does not need; None if unknown."""
    if rest in _TOP:
        return _TOP[rest]
    if rest.startswith(("post_layernorm.", "head.")) or rest.endswith("position_ids"):
        return ""
    found = _IN_BLOCK.match(rest)
    if not found or found["module"] not in _BLOCK:
        return None
    if int(found["block"]) >= blocks:
        return ""
    return f"v.blk.{found['block']}.{_BLOCK[found['module']]}.{found['kind']}"


def _add_zero_biases(tensors: dict[str, torch.Tensor]) -> None:
    """Add the biases of a projector without them: llama.cpp's graph adds them in any case."""
    for layer in ("mm.0", "mm.2"):
        weight = tensors.get(f"{layer}.weight")
        if weight is not None and f"{layer}.bias" not in tensors:
            tensors[f"{layer}.bias"] = weight.new_zeros(weight.shape[0])


def _expected(checkpoint: Checkpoint) -> set[str]:
    names = {"v.patch_embd.weight", "v.position_embd.weight"}
    names |= {f"mm.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
    if checkpoint.vision["model_type"] == "clip_vision_model":
        names |= {"v.class_embd", "v.pre_ln.weight", "v.pre_ln.bias"}
    blocks = range(checkpoint.vision_blocks)
    parts = [(part, kind) for part in _BLOCK.values() for kind in ("weight", "bias")]
    return names | {f"v.blk.{block}.{part}.{kind}" for block in blocks for part, kind in parts}
