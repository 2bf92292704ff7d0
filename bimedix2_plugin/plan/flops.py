"""Floating-point operations of one batch: forward, backward, and what gradient checkpointing computes again.

A matrix product of [m, k] and [k, n] takes 2mkn operations. So a linear layer takes 2 operations a weight and token
forward, and as many again for each of its two gradients: C = 6ND in all (Kaplan et al., arXiv 2001.08361, section 2.1).
A frozen weight needs no gradient of its own: 4ND (Hu et al., arXiv 2106.09685). Attention adds 4 operations a pair of
tokens and channel forward (scores and weighted values), and twice that backward; flash attention computes the scores
again in its backward, five products in place of four (Dao, arXiv 2307.08691, section 3.1).

Left out, each far under 1%: norms, activations, rotary positions, the optimizer, SigLIP's pooling head.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bimedix2_plugin.plan.parameters import BRIDGE, HEAD, LANGUAGE, TOWER, Linear, Parameters

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

DENSE = ("eager",)  # computes all pairs of a batch, masked or not


@dataclass(frozen=True)
class Load:
    """One batch.

    Attributes:
        tokens: of the language model, image tokens included.
        labels: tokens with a label; the output head runs on these alone.
        images: pictures through the tower.
        squares: sum of the squared lengths of the documents.
    """

    tokens: float
    labels: float
    images: float
    squares: float


@dataclass(frozen=True)
class Operations:
    """Floating-point operations.

    Attributes:
        forward, backward, again: of one pass, of the gradients, of the forward pass repeated for them.
    """

    forward: float
    backward: float
    again: float

    @property
    def total(self) -> float:
        """All three."""
        return self.forward + self.backward + self.again

    def __add__(self, other: Operations) -> Operations:
        return Operations(self.forward + other.forward, self.backward + other.backward, self.again + other.again)


def batch_operations(parameters: Parameters, cfg: DictDefault, load: Load) -> dict[str, Operations]:
    """Return the operations of one forward and backward pass, by part.

    Args:
        parameters: of the composed model.
        cfg: the recipe.
        load: the batch.
    """
    checkpointing = bool(cfg.gradient_checkpointing)
    parts = {
        TOWER: _tower(parameters, load.images),
        BRIDGE: _projector(parameters, load.images * parameters.config.image_seq_length),
        LANGUAGE: _language(parameters, cfg, load, checkpointing),
        HEAD: _frozen(_head(parameters), load.labels),
    }
    return parts


def tower_tokens(parameters: Parameters) -> int:
    """Tokens of one picture in the tower, its class token included."""
    strategy = parameters.config.vision_feature_select_strategy
    return int(parameters.config.image_seq_length) + (strategy == "default")


def _tower(parameters: Parameters, images: float) -> Operations:
    """Forward alone: the plugin keeps the frozen tower out of the graph."""
    vision = parameters.vision
    tokens, layers = tower_tokens(parameters), vision.num_hidden_layers
    weights = sum(layer.weights for layer in parameters.linears if layer.part == TOWER and ".layer" in layer.name)
    patches = 2 * 3 * vision.patch_size**2 * vision.hidden_size * parameters.config.image_seq_length
    attention = 4 * tokens**2 * vision.hidden_size * layers
    forward = images * (2 * weights * tokens + attention + patches)
    return Operations(forward, 0, 0)


def _projector(parameters: Parameters, tokens: float) -> Operations:
    """Both weights are trained; nothing below the first one asks for a gradient."""
    first, second = (layer.weights for layer in parameters.linears if layer.part == BRIDGE)
    return Operations(2 * tokens * (first + second), tokens * (2 * first + 4 * second), 0)


def _language(parameters: Parameters, cfg: DictDefault, load: Load, checkpointing: bool) -> Operations:
    text = parameters.text
    layers = [layer for layer in parameters.linears if layer.part == LANGUAGE]
    linear = _frozen(layers, load.tokens)
    lora = 2 * sum(layer.lora for layer in layers) * load.tokens
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    channels = head * text.num_attention_heads * text.num_hidden_layers
    dense = cfg.attn_implementation in DENSE
    # A kernel that knows the mask to be causal computes half of the square.
    attention = 4 * channels * (load.tokens**2 if dense else load.squares / 2)
    forward = linear.forward + lora + attention
    backward = linear.backward + 2 * lora + attention * (2 if dense else 2.5)
    return Operations(forward, backward, _again(forward, layers, load.tokens) if checkpointing else 0)


def _again(forward: float, layers: Iterable[Linear], tokens: float) -> float:
    """Return the repeated forward pass of checkpointed layers.

    PyTorch stops where all that the gradients need is there again. Without a LoRA that is before the last product of
    each layer, whose output no gradient needs.
    """
    last = sum(layer.weights for layer in layers if "down_proj" in layer.name and not layer.rank)
    return forward - 2 * last * tokens


def _frozen(layers: Iterable[Linear], tokens: float) -> Operations:
    product = 2 * sum(layer.weights for layer in layers) * tokens
    return Operations(product, product, 0)


def _head(parameters: Parameters) -> list[Linear]:
    return [layer for layer in parameters.linears if layer.part == HEAD]
