"""Floating-point operations of one batch: forward, backward, and the recomputation of gradient checkpointing.

A matrix product of [m, k] and [k, n] takes 2mkn operations. A linear layer therefore takes 2 operations per weight and
token forward, and 2 for each of its two gradients: C = 6ND in total (Kaplan et al., arXiv 2001.08361, section 2.1). A
frozen weight needs no gradient: 4ND (Hu et al., arXiv 2106.09685). Attention adds 4 operations per pair of tokens and
channel forward (scores and weighted values), and twice that backward; flash attention recomputes the scores in its
backward pass, five products instead of four (Dao, arXiv 2307.08691, section 3.1).

Not counted, each far below 1%: norms, activations, rotary positions, the optimizer, SigLIP's pooling head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bimedix2_plugin.model.vision_language.descriptor import Encoded
from bimedix2_plugin.plan.parameters import HEAD, LANGUAGE, PROJECTOR, TOWER, Linear, Parameters

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

DENSE = ("eager",)  # computes all pairs of tokens, masked or not
_NUMBERED = re.compile(r"\.\d+\.")  # in the name of a layer of the tower; SigLIP's pooling head has none


@dataclass(frozen=True)
class Load:
    """One batch.

    Attributes:
        tokens: of the language model, image tokens included.
        labels: labelled tokens; the output head runs on these only.
        images: sizes of the images that the tower encodes.
        sum_sq_len: sum of the squared lengths of the documents.
    """

    tokens: float
    labels: float
    images: Encoded
    sum_sq_len: float


@dataclass(frozen=True)
class Operations:
    """Floating-point operations.

    Attributes:
        forward, backward, recompute: of the forward pass, of the gradients, of the forward pass repeated for them.
    """

    forward: float
    backward: float
    recompute: float

    @property
    def total(self) -> float:
        """The sum of the three."""
        return self.forward + self.backward + self.recompute

    def __add__(self, other: Operations) -> Operations:
        return Operations(
            self.forward + other.forward, self.backward + other.backward, self.recompute + other.recompute
        )


def batch_operations(parameters: Parameters, cfg: DictDefault, load: Load) -> dict[str, Operations]:
    """Return the operations of one forward and backward pass, by part.

    Args:
        parameters: of the vision-language model.
        cfg: the recipe.
        load: the batch.
    """
    parts = {
        TOWER: _tower(parameters, load.images),
        PROJECTOR: _projector(parameters, load.images.placeholders),
        LANGUAGE: _language(parameters, cfg, load),
        HEAD: _frozen(_head(parameters), load.labels),
    }
    return parts


def checkpointing(cfg: DictDefault) -> bool:
    """Whether the language model's layers are recomputed in the backward pass; FSDP has a key of its own for it."""
    return bool(cfg.gradient_checkpointing or (cfg.fsdp_config or {}).get("activation_checkpointing"))


def dense(parameters: Parameters, cfg: DictDefault) -> bool:
    """Whether all pairs of a pack's tokens are computed: by eager, or with a mask that a kernel takes as it is."""
    return cfg.attn_implementation in DENSE or not parameters.kind.ISOLATED_BY_POSITIONS


def _tower(parameters: Parameters, images: Encoded) -> Operations:
    """Forward only: the plugin runs the frozen tower without gradients."""
    layers = [layer for layer in parameters.linears if layer.part == TOWER and _NUMBERED.search(layer.name)]
    weights = sum(layer.weights for layer in layers) + parameters.patch_embedding
    forward = 2 * weights * images.patches + 4 * images.pairs * parameters.vision.hidden_size
    return Operations(forward, 0, 0)


def _projector(parameters: Parameters, tokens: float) -> Operations:
    """All weights are trained; no gradient flows below the first one, unless a norm before it is trained as well."""
    modules = projector_weights(parameters)
    total = sum(layer.weights for layers in modules for layer in layers)
    first = 0 if parameters.normed else sum(layers[0].weights for layers in modules)
    return Operations(2 * tokens * total, tokens * (4 * total - 2 * first), 0)


def projector_weights(parameters: Parameters) -> list[list[Linear]]:
    """Return the matrices that the projector multiplies features with, in their order, for each of its modules."""
    modules: dict[str, list[Linear]] = {}
    for layer in parameters.linears:
        if layer.part == PROJECTOR:
            modules.setdefault(layer.name.rsplit(".", 2)[0], []).append(layer)
    return list(modules.values())


def _language(parameters: Parameters, cfg: DictDefault, load: Load) -> Operations:
    text = parameters.text
    layers = [layer for layer in parameters.linears if layer.part == LANGUAGE]
    linear = _frozen(layers, load.tokens)
    lora = 2 * sum(layer.lora for layer in layers) * load.tokens
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    channels = head * text.num_attention_heads * text.num_hidden_layers
    every = dense(parameters, cfg)
    # A kernel with a causal mask computes half of the pairs.
    attention = 4 * channels * (load.tokens**2 if every else load.sum_sq_len / 2)
    forward = linear.forward + lora + attention
    backward = linear.backward + 2 * lora + attention * (2 if every else 2.5)
    return Operations(forward, backward, _recompute(forward, layers, load.tokens) if checkpointing(cfg) else 0)


def _recompute(forward: float, layers: Iterable[Linear], tokens: float) -> float:
    """Return the operations that recompute checkpointed layers.

    PyTorch stops as soon as everything that the gradients need is recomputed. Without a LoRA this is before the last
    product of each layer, whose output no gradient needs.
    """
    last = sum(layer.weights for layer in layers if "down_proj" in layer.name and not layer.rank)
    return forward - 2 * last * tokens


def _frozen(layers: Iterable[Linear], tokens: float) -> Operations:
    product = 2 * sum(layer.weights for layer in layers) * tokens
    return Operations(product, product, 0)


def _head(parameters: Parameters) -> list[Linear]:
    return [layer for layer in parameters.linears if layer.part == HEAD]
