"""Tiny random models and tokenizers with the architectures of the real ones, each made in a second.

No parameter has its default value, so that a tensor that a loader misses is noticed.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    Dinov2Config,
    Dinov2Model,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from bimedix2_plugin.rehearse.tiny_tokenizers import llama31_tokenizer, tokenizer

__all__ = [
    "clip_vision",
    "clip_whole",
    "dinov2",
    "llama",
    "llama31_tokenizer",
    "random_model",
    "siglip_vision",
    "siglip_whole",
    "tokenizer",
]

_CLIP_TEXT_LENGTH = 77
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def llama(
    folder: str | Path,
    *,
    tied: bool,
    sharded: bool = False,
    style: str = "chatml",
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    kv_heads: int = 2,
    spare_rows: int = 0,
) -> Path:
    """Save a `LlamaForCausalLM` with its tokenizer and `spare_rows` embeddings without a token."""
    words = tokenizer(folder, style)
    config = LlamaConfig(
        vocab_size=len(words) + spare_rows,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=2048,
        tie_word_embeddings=tied,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    random_model(LlamaForCausalLM, config).save_pretrained(folder, max_shard_size="100KB" if sharded else "1GB")
    return Path(folder)


def clip_vision(folder: str | Path, width: int = 32, image_size: int = 28, patch: int = 14) -> Path:
    """Save a `CLIPVisionModel` of 3 layers with CLIP's image processor."""
    random_model(CLIPVisionModel, _clip_vision_config(width, image_size, patch)).save_pretrained(folder)
    _clip_processor(image_size).save_pretrained(folder)
    return Path(folder)


def clip_whole(
    folder: str | Path, as_bin: bool = False, width: int = 32, image_size: int = 28, patch: int = 14
) -> Path:
    """Save a `CLIPModel`, text and vision; with `as_bin` as a pickle only, like OpenAI's repository."""
    folder = Path(folder)
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text |= {"vocab_size": 100, "bos_token_id": 98, "eos_token_id": 99, "pad_token_id": 0}
    text |= {"max_position_embeddings": _CLIP_TEXT_LENGTH}
    vision = _clip_vision_config(width, image_size, patch).to_dict()
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    random_model(CLIPModel, config).save_pretrained(folder)
    _clip_processor(image_size).save_pretrained(folder)
    if as_bin:
        state = load_file(folder / "model.safetensors")
        # The published pickle also holds these two buffers, which newer versions no longer save.
        state["text_model.embeddings.position_ids"] = torch.arange(_CLIP_TEXT_LENGTH)[None]
        state["vision_model.embeddings.position_ids"] = torch.arange((image_size // patch) ** 2 + 1)[None]
        torch.save(state, folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    return folder


def dinov2(folder: str | Path, width: int = 32, image_size: int = 28, patch: int = 14) -> Path:
    """Save a `Dinov2Model` of 3 layers with its image processor."""
    config = Dinov2Config(
        hidden_size=width, num_hidden_layers=3, num_attention_heads=4, image_size=image_size, patch_size=patch
    )
    random_model(Dinov2Model, config).save_pretrained(folder)
    BitImageProcessorPil(**_square(image_size), image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD).save_pretrained(
        folder
    )
    return Path(folder)


def siglip_vision(folder: str | Path, width: int = 32, image_size: int = 30, patch: int = 14) -> Path:
    """Save a `SiglipVisionModel` of 3 layers whose image side, as published, is no multiple of the patch size."""
    random_model(SiglipVisionModel, _siglip_vision_config(width, image_size, patch)).save_pretrained(folder)
    _siglip_processor(image_size).save_pretrained(folder)
    return Path(folder)


def siglip_whole(folder: str | Path, width: int = 32, image_size: int = 30, patch: int = 14) -> Path:
    """Save a `SiglipModel`, text and vision, like the published repositories."""
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = _siglip_vision_config(width, image_size, patch).to_dict()
    config = SiglipConfig(text_config=text | {"vocab_size": 100}, vision_config=vision)
    random_model(SiglipModel, config).save_pretrained(folder)
    _siglip_processor(image_size).save_pretrained(folder)
    return Path(folder)


def random_model(
    kind: Callable[..., PreTrainedModel],
    config: PreTrainedConfig,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> PreTrainedModel:
    """Create a random model without a parameter at its default value; `kind` is its class, or makes it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(config)
        for parameter in model.parameters():
            parameter.data = (parameter.data + 0.02 * torch.randn_like(parameter)).to(dtype)
    return model.eval()


def _clip_vision_config(width: int, image_size: int, patch: int) -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=image_size,
        patch_size=patch,
    )


def _siglip_vision_config(width: int, image_size: int, patch: int) -> SiglipVisionConfig:
    return SiglipVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=image_size,
        patch_size=patch,
    )


def _siglip_processor(image_size: int) -> SiglipImageProcessorPil:
    return SiglipImageProcessorPil(size={"height": image_size, "width": image_size})


def _clip_processor(image_size: int) -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(**_square(image_size))


def _square(side: int) -> dict[str, dict[str, int]]:
    return {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
