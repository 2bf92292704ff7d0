"""Memory of one GPU, by part, under each way to train in parallel.

ZeRO's stages share out, in turn, the optimizer's state, the gradients and the weights over the GPUs (Rajbhandari et
al., arXiv 1910.02054, section 3); FSDP2 shares all three. With a LoRA only the weights matter: gradients and Adam's two
moments exist for trained parameters alone. QLoRA keeps the linear layers of the language model in 4 bits, with 0.127
bits a weight for their scales after double quantisation (Dettmers et al., arXiv 2305.14314, section 3).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.plan.activations import Saved, item_size
from bimedix2_plugin.plan.flops import Load
from bimedix2_plugin.plan.parameters import BRIDGE, EMBEDDINGS, HEAD, LANGUAGE, Parameters

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

GIB = 2**30
RESERVE = 2 * GIB  # assumed: CUDA context, communication buffers, fragmentation
_FLOAT32 = 4
_FOUR_BIT = 0.5 + 0.127 / 8


@dataclass(frozen=True)
class Mode:
    """What a way to train in parallel shares out over the GPUs.

    Attributes:
        name: as a reader knows it.
        weights, gradients, optimizer: whether each is shared out.
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
    """Return the way that a recipe trains: DDP unless it says otherwise."""
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
    if not path.is_file():  # Axolotl ships files of these names and fetches them by name
        return 3 if "zero3" in path.name else 2 if "zero2" in path.name else 1
    return int(json.loads(path.read_text(encoding="utf-8")).get("zero_optimization", {}).get("stage", 0))


def per_gpu(
    parameters: Parameters, cfg: DictDefault, mode: Mode, *, gpus: int, load: Load, kept: Saved
) -> dict[str, float]:
    """Return the bytes of one GPU at the fullest moment of a step, by part.

    That moment is the start of the backward pass, with the logits' gradient, or, with checkpointing, the backward pass
    of one layer that was computed again.

    Args:
        parameters: of the composed model.
        cfg: the recipe.
        mode: the way to train in parallel.
        gpus: how many share.
        load: the largest batch.
        kept: its activations.
    """
    shared = {name: gpus if getattr(mode, name) else 1 for name in ("weights", "gradients", "optimizer")}
    trained, item = parameters.trained * _FLOAT32, item_size(cfg)
    frozen, layer = _frozen(parameters, item, mode), _layer(parameters, item, mode)
    ends = (parameters.parts.get(EMBEDDINGS, 0) + parameters.parts.get(HEAD, 0)) * item
    # With an adapter, PEFT keeps the projector as it was beside the one that is trained.
    copy = parameters.parts[BRIDGE] * item if cfg.adapter else 0
    # The loss holds the softmax, its gradient and the logits' gradient, in float32.
    logits = 3 * _FLOAT32 * load.labels * parameters.text.vocab_size
    again = kept.layer + kept.working
    side = parameters.vision.image_size
    return {
        "frozen weights": (frozen + copy) / shared["weights"],
        "weights gathered for use": (2 * layer + ends) if mode.weights and gpus > 1 else 0.0,
        "trained weights": trained / shared["weights"],
        "gradients": trained / shared["gradients"],
        "optimizer state": trained * optimizer_words(cfg) / shared["optimizer"],
        "activations": float(kept.kept),
        "one layer's backward" if again > logits else "logits": max(again, logits),
        "pictures": load.images * 3 * side**2 * _FLOAT32,
        "reserve (assumed)": float(RESERVE),
    }


def optimizer_words(cfg: DictDefault) -> float:
    """Float32 words of optimizer state a trained parameter: two moments, in 8 bits for the optimizers so named."""
    return 0.5 if "8bit" in str(cfg.optimizer) else 2.0


def _frozen(parameters: Parameters, item: int, mode: Mode) -> float:
    quantised = parameters.weights(LANGUAGE) if mode.four_bit else 0
    return (parameters.frozen - quantised) * item + quantised * _FOUR_BIT


def _layer(parameters: Parameters, item: int, mode: Mode) -> float:
    return parameters.decoder_layer * (_FOUR_BIT if mode.four_bit else item)
