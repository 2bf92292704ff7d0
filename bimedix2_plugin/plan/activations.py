"""Activation memory: what autograd saves of a pack for the backward pass, measured on the model's own code.

Closed formulas (Korthikanti et al., arXiv 2205.05198, section 4: 34 bytes per token and channel and 5 per score, in
each layer) hold for one implementation of one architecture. Here a layer of the recipe's language model, with its LoRA,
runs on fake tensors of the planned size, and the bytes that it saves are summed: this takes no memory, and is right for
Llama, Phi, Qwen and Gemma alike. As in the formulas, memory is proportional to the number of layers; with checkpointing
only each layer's input is kept, 2 bytes per token and channel in bf16, besides one full layer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.plan.flops import DENSE, Load, checkpointing, projector_weights
from bimedix2_plugin.plan.parameters import LANGUAGE, Parameters

if TYPE_CHECKING:
    import torch
    from axolotl.utils.dict import DictDefault

_FLASH = "bimedix2_plan"
_PREFIX = "model.language_model."


@dataclass(frozen=True)
class Saved:
    """Bytes saved between the forward and the backward pass.

    Attributes:
        kept: of all layers, the tower and the projector, when the loss is computed.
        layer: of one layer that checkpointing recomputes in the backward pass; 0 without checkpointing.
        working: largest temporary of a layer's backward pass.
    """

    kept: int
    layer: int
    working: int


def saved(parameters: Parameters, cfg: DictDefault, load: Load, device: str = "cuda") -> Saved:
    """Return the bytes that autograd saves for one batch.

    Args:
        parameters: of the vision-language model.
        cfg: the recipe.
        load: the batch.
        device: decides the size of dropout masks: one byte per element on "cuda", four on "cpu".
    """
    tokens, item, text = int(load.tokens), item_size(cfg), parameters.text
    layers = int(text.num_hidden_layers)
    first, second = (_language(parameters, cfg, tokens, count) for count in (1, 2))
    mask = (1 if device == "cuda" else 4) * tokens if cfg.lora_dropout else 0
    masks = mask * sum(layer.inputs for layer in parameters.linears if layer.rank) // layers
    layer, rest = second - first + masks, 2 * first - second
    # Of each product its input and, before an activation function, its output.
    modules = projector_weights(parameters)
    channels = sum(layer.inputs + layer.outputs for layers in modules for layer in layers)
    projector = int(load.images.placeholders) * (channels - len(modules) * text.hidden_size) * item
    kept = rest + projector  # the frozen tower runs without gradients and saves nothing
    # Of the widest product: its input's gradients from the frozen weight and the LoRA, and their sum. In bf16, PEFT's
    # float32 copies of the input, before and after dropout, are larger.
    working = (8 if cfg.adapter and item == 2 else 3 * item) * tokens * _widest(parameters)
    if not checkpointing(cfg):
        return Saved(kept + layers * layer, 0, working)
    return Saved(kept + layers * tokens * text.hidden_size * item, layer, working)


def item_size(cfg: DictDefault) -> int:
    """Return the bytes of one element of a frozen weight or an activation."""
    return 2 if cfg.bf16 or cfg.fp16 else 4


def _widest(parameters: Parameters) -> int:
    return max(layer.inputs for layer in parameters.linears if layer.part == LANGUAGE)


def _language(parameters: Parameters, cfg: DictDefault, tokens: int, layers: int) -> int:
    """Return the bytes that the language model's first layers and its final norm save."""
    from peft import LoraConfig, inject_adapter_in_model

    config = _shortened(parameters.text, layers)
    config._attn_implementation = cfg.attn_implementation if cfg.attn_implementation in DENSE else _flash()
    model = _on_meta(config, cfg)
    names = [layer.name.removeprefix(_PREFIX) for layer in parameters.linears if layer.rank]
    targets = [name for name in names if int(name.split(".")[1]) < layers]
    if targets:
        inject_adapter_in_model(LoraConfig(r=int(cfg.lora_r or 8), target_modules=targets), model)
    width = parameters.text.hidden_size
    return _saved_by(model.train(), {"inputs_embeds": (1, tokens, width)}, cfg, use_cache=False)


def _shortened(config: Any, layers: int) -> Any:
    config = copy.deepcopy(config)
    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:layers]
    return config


def _on_meta(config: Any, cfg: DictDefault) -> Any:
    import torch
    from transformers import AutoModel

    with torch.device("meta"):
        return AutoModel.from_config(config, dtype=torch.bfloat16 if item_size(cfg) == 2 else torch.float32)


def _saved_by(model: Any, inputs: dict[str, Any], cfg: DictDefault, **arguments: Any) -> int:
    """Run a model of the meta device on fake tensors; return the bytes that autograd saves, weights excluded."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    held: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        held[storage._cdata] = storage.nbytes()
        return tensor

    with FakeTensorMode():
        state = {name: _fake(name, value) for name, value in model.state_dict(keep_vars=True).items()}
        state |= {name: torch.empty(value.shape, dtype=value.dtype) for name, value in model.named_buffers()}
        given = {name: torch.empty(shape, dtype=model.dtype, requires_grad=True) for name, shape in inputs.items()}
        with (
            torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=item_size(cfg) == 2),
        ):
            output = torch.func.functional_call(model, state, kwargs=given | arguments)
        weights = {value.untyped_storage()._cdata for value in state.values()}
        del output
    return sum(size for storage, size in held.items() if storage not in weights)


def _fake(name: str, value: Any) -> torch.Tensor:
    """Return a fake tensor for a weight; a LoRA is trained in float32."""
    import torch

    lora = ".lora_" in name
    return torch.empty(value.shape, dtype=torch.float32 if lora else value.dtype, requires_grad=lora)


def _flash() -> str:
    """Register an attention that saves what flash attention saves: queries, keys, values, output, one sum per row."""
    import torch
    from transformers import AttentionInterface

    class Flash(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            output = torch.empty_like(query)
            ctx.save_for_backward(query, key, value, output, query.new_empty(query.shape[:-1], dtype=torch.float32))
            return output

    def attention(module: Any, query: Any, key: Any, value: Any, mask: Any, **_: Any) -> tuple[Any, None]:
        return Flash.apply(query, key, value).transpose(1, 2).contiguous(), None

    AttentionInterface.register(_FLASH, attention)
    return _FLASH
