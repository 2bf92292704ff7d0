"""Memory of one GPU for each parallelism, by part; the GPUs that are known; the disk space of a run.

ZeRO's stages shard, in turn, the optimizer state, the gradients and the weights over the GPUs (Rajbhandari et al.,
arXiv 1910.02054, section 3); FSDP2 shards all three. With a LoRA only the weights matter: gradients and Adam's two
moments exist for trained parameters only. QLoRA keeps the linear layers of the language model in 4 bits, with 0.127
bits per weight for their scales after double quantisation (Dettmers et al., arXiv 2305.14314, section 3).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.plan.activations import Saved, item_size
from bimedix2_plugin.plan.flops import Load
from bimedix2_plugin.plan.parameters import EMBEDDINGS, HEAD, LANGUAGE, PROJECTOR, TOWER, Parameters

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

GIB = 2**30
RESERVE = 2 * GIB  # assumed: CUDA context, communication buffers, fragmentation
_FLOAT32, _BF16 = 4, 2  # bytes
_FOUR_BIT = 0.5 + 0.127 / 8
# Bytes per token of the prepared set: ids 4, labels 8; positions, with packing, 8.
_TOKEN, _POSITION = 12, 8


@dataclass(frozen=True)
class Gpu:
    """One accelerator, by its vendor's data sheet.

    Attributes:
        memory: GiB. Vendors' «GB» are taken as GiB, which drivers report within 2%.
        peak: dense bf16 TFLOPS, without sparsity; half of the sparse figure if the sheet gives only that.
        link: what connects the GPUs of one node, a name in `communication.INTERCONNECTS`.
    """

    memory: float
    peak: float
    link: str


# A100, H100, H200 and L40S were compared with copies of the data sheets, the others were not: check before relying on
# them.
GPUS: dict[str, Gpu] = {
    "a100-40g": Gpu(40, 312.0, "nvlink-a100"),  # NVIDIA A100 data sheet
    "a100-80g": Gpu(80, 312.0, "nvlink-a100"),  # NVIDIA A100 data sheet
    "h100-80g": Gpu(80, 989.5, "nvlink-h100"),  # NVIDIA H100 data sheet, SXM: 1,979 with sparsity
    "h100-pcie-80g": Gpu(80, 756.5, "pcie5"),  # NVIDIA H100 data sheet, PCIe: 1,513 with sparsity
    "h200-141g": Gpu(141, 989.5, "nvlink-h100"),  # NVIDIA H200 data sheet, SXM: 1,979 with sparsity
    "b200-180g": Gpu(180, 2250.0, "nvlink-b200"),  # NVIDIA HGX B200 data sheet: 36,000 with sparsity for eight
    "l40s-48g": Gpu(48, 362.05, "pcie4"),  # NVIDIA L40S data sheet
    "a6000-48g": Gpu(48, 154.8, "pcie4"),  # NVIDIA RTX A6000 data sheet: 309.7 with sparsity
    "rtx4090-24g": Gpu(24, 165.2, "pcie4"),  # NVIDIA Ada GPU architecture paper, appendix A: bf16, float32 accumulation
    "rtx3090-24g": Gpu(24, 71.0, "pcie4"),  # NVIDIA GA102 GPU architecture paper: bf16, float32 accumulation
    "mi250x-64g": Gpu(64, 191.5, "xgmi-mi250x"),  # AMD Instinct MI250X data sheet: 383 and 128 GB for its two halves
    "mi300x-192g": Gpu(192, 1307.4, "xgmi-mi300x"),  # AMD Instinct MI300X data sheet
}


@dataclass(frozen=True)
class Mode:
    """One parallelism: what it shards over the GPUs.

    Attributes:
        name: as printed.
        weights, gradients, optimizer: whether each is sharded.
        four_bit: whether the frozen linear layers are in 4 bits.
    """

    name: str
    weights: bool
    gradients: bool
    optimizer: bool
    four_bit: bool = False


MODES = (
    Mode("ddp", weights=False, gradients=False, optimizer=False),
    Mode("zero2", weights=False, gradients=True, optimizer=True),
    Mode("zero3", weights=True, gradients=True, optimizer=True),
    Mode("fsdp2", weights=True, gradients=True, optimizer=True),
    Mode("qlora", weights=False, gradients=False, optimizer=False, four_bit=True),
)


def recipe_mode(cfg: DictDefault) -> Mode:
    """Return a recipe's parallelism; DDP by default."""
    named = {mode.name: mode for mode in MODES}
    sharing = named["fsdp2" if cfg.fsdp_config or cfg.fsdp else "ddp"]
    if cfg.deepspeed:
        stage = _zero_stage(cfg.deepspeed)
        sharing = named["zero3" if stage == 3 else "zero2"] if stage > 1 else named["ddp"]
    if not cfg.load_in_4bit and cfg.adapter != "qlora":
        return sharing
    if sharing.name == "ddp":
        return named["qlora"]
    return Mode(f"qlora+{sharing.name}", sharing.weights, sharing.gradients, sharing.optimizer, four_bit=True)


def _zero_stage(deepspeed: object) -> int:
    path = Path(str(deepspeed))
    if not path.is_file():  # Axolotl provides files of these names with `axolotl fetch`
        return 3 if "zero3" in path.name else 2 if "zero2" in path.name else 1
    return int(json.loads(path.read_text(encoding="utf-8")).get("zero_optimization", {}).get("stage", 0))


def per_gpu(
    parameters: Parameters, cfg: DictDefault, mode: Mode, *, gpus: int, load: Load, kept: Saved
) -> dict[str, float]:
    """Return the bytes on one GPU at the peak of a step, by part.

    The peak is at the start of the backward pass, with the logits' gradient, or, with checkpointing, in the backward
    pass of a recomputed layer.

    Args:
        parameters: of the vision-language model.
        cfg: the recipe.
        mode: the parallelism.
        gpus: number of GPUs.
        load: the largest batch.
        kept: its activations.
    """
    shards = {name: gpus if getattr(mode, name) else 1 for name in ("weights", "gradients", "optimizer")}
    trained, item = parameters.trained * _FLOAT32, item_size(cfg)
    layer = _layer(parameters, item, mode)
    ends = (parameters.parts.get(EMBEDDINGS, 0) + parameters.parts.get(HEAD, 0)) * item
    # The loss keeps the softmax, its gradient and the logits' gradient, in float32.
    logits = 3 * _FLOAT32 * load.labels * parameters.text.vocab_size
    backward = kept.layer + kept.working
    return {
        "frozen weights": frozen_bytes(parameters, cfg, mode) / shards["weights"],
        "weights gathered for use": (2 * layer + ends) if mode.weights and gpus > 1 else 0.0,
        "trained weights": trained / shards["weights"],
        "gradients": trained / shards["gradients"],
        "optimizer state": trained * optimizer_words(cfg) / shards["optimizer"],
        "activations": float(kept.kept),
        "one layer's backward" if backward > logits else "logits": max(backward, logits),
        "images": load.images.values * _FLOAT32,
        "reserve (assumed)": float(RESERVE),
    }


def optimizer_words(cfg: DictDefault) -> float:
    """Return the optimizer state per trained parameter in float32 words: two moments, of 8 bits in 8-bit optimizers."""
    return 0.5 if "8bit" in str(cfg.optimizer) else 2.0


def frozen_bytes(parameters: Parameters, cfg: DictDefault, mode: Mode) -> float:
    """Return the bytes of the frozen weights before they are sharded."""
    quantised = parameters.weights(LANGUAGE) if mode.four_bit else 0
    # With an adapter, PEFT keeps a frozen copy of the original projector.
    copy = parameters.parts[PROJECTOR] if cfg.adapter else 0
    return (parameters.frozen + copy - quantised) * item_size(cfg) + quantised * _FOUR_BIT


def _layer(parameters: Parameters, item: int, mode: Mode) -> float:
    return parameters.decoder_layer * (_FOUR_BIT if mode.four_bit else item)


def disk(
    parameters: Parameters, cfg: DictDefault, tokens: float, steps: int, absent: tuple[str, ...] = ()
) -> dict[str, float]:
    """Return the bytes on disk, by purpose.

    Args:
        parameters: of the vision-language model.
        cfg: the recipe.
        tokens: of the dataset, once.
        steps: of the run.
        absent: models still to be downloaded; a base is published in bf16, a tower in float32.
    """
    parts, trained = parameters.parts, parameters.trained * _FLOAT32
    kept = min(_checkpoints(cfg, steps), int(cfg.save_total_limit or 10**6))
    prepared = tokens * (_TOKEN + (_POSITION if cfg.sample_packing else 0))
    whole = sum(parts.get(part, 0) for part in (LANGUAGE, EMBEDDINGS, HEAD, TOWER, PROJECTOR))
    if cfg.vision_tower:
        base = sum(parts.get(part, 0) for part in (LANGUAGE, EMBEDDINGS, HEAD)) * _BF16
        download = base * (cfg.base_model in absent) + parts[TOWER] * _FLOAT32 * (cfg.vision_tower in absent)
        own = (parts[PROJECTOR] + parts[TOWER]) * _FLOAT32
    else:  # a base that already sees is linked
        download, own = whole * _BF16 * (cfg.base_model in absent), parts[PROJECTOR] * _FLOAT32
    return {
        "weights to download": float(download),
        "composed model: projector, and the tower if it has to be extracted": own,
        "prepared set": prepared,
        "datasets cache while it is made": prepared,
        f"checkpoints kept ({kept})": kept * trained * (1 + optimizer_words(cfg)),
        "output": float(trained),
        "merged checkpoint": float(whole * _BF16) if cfg.adapter else 0.0,
    }


def _checkpoints(cfg: DictDefault, steps: int) -> int:
    """Return the number of checkpoints of a run; by default transformers saves every 500 steps and at the end."""
    if cfg.save_strategy == "no":
        return 0
    if cfg.save_strategy == "epoch":
        return math.ceil(cfg.num_epochs or 1)
    if cfg.saves_per_epoch:
        return math.ceil(cfg.saves_per_epoch * (cfg.num_epochs or 1))
    return max(1, math.ceil(steps / (cfg.save_steps or 500)))
