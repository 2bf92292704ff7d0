"""A merged checkpoint as the export reads it, and the reasons for which one cannot be exported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.safetensors_index import Shards, check_links, read_shards

# Towers that llama.cpp's graph of LLaVA computes; DINOv2's layer scales and registers have no place in it.
_TOWERS = {"clip_vision_model": "default", "siglip_vision_model": "full"}
_ACTIVATIONS = ("quick_gelu", "gelu", "gelu_new", "gelu_pytorch_tanh")
_GEMMA3 = ("gemma3", "gemma3_text")
_GEMMA3_27B_LAYERS = 62  # of this one, llama.cpp knows the query scale


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that can be exported.

    Attributes:
        folder: of its files.
        config: config.json.
        processor: the image processor's settings; empty for a text model.
    """

    folder: Path
    config: dict[str, Any]
    processor: dict[str, Any]

    @property
    def has_vision(self) -> bool:
        """Whether it is a LLaVA; otherwise a text model."""
        return self.config["model_type"] == "llava"

    @property
    def text(self) -> dict[str, Any]:
        """The language model's configuration."""
        return self.config["text_config"] if self.has_vision else self.config

    @cached_property
    def vision(self) -> dict[str, Any]:
        """The tower's configuration, with the values that transformers leaves out of a file."""
        from transformers import AutoConfig

        return dict(AutoConfig.from_pretrained(self.folder).vision_config.to_dict())

    @property
    def vision_blocks(self) -> int:
        """Number of the tower's blocks up to the hidden state that the projector reads."""
        layer = int(self.config.get("vision_feature_layer", -2))
        return layer if layer >= 0 else int(self.vision["num_hidden_layers"]) + 1 + layer

    @property
    def vision_tokens(self) -> int:
        """Number of embeddings of one image."""
        return (int(self.vision["image_size"]) // int(self.vision["patch_size"])) ** 2

    @property
    def pads(self) -> bool:
        """Whether its image processor pads to a square, as llama.cpp does (with a colour of its own)."""
        return bool(self.processor.get("do_pad"))

    @cached_property
    def shards(self) -> Shards:
        """Its safetensors files."""
        return read_shards("MERGED", self.folder)


def read_checkpoint(folder: Path, *, images_prepared: bool) -> Checkpoint:
    """Read a checkpoint's configuration.

    Args:
        folder: of the checkpoint.
        images_prepared: whether whoever asks the exported model pads or crops and resizes its images.

    Raises:
        RecipeError: lists why it cannot be exported.
    """
    if (folder / "adapter_config.json").is_file() and not any(folder.glob("model*.safetensors")):
        raise RecipeError(
            f"MERGED: {folder} holds an adapter, not a whole model. Merge it first: "
            f"axolotl merge-lora RECIPE --lora-model-dir {folder}, and export its folder merged/."
        )
    config = _json(folder / "config.json")
    if not config:
        raise RecipeError(f"MERGED: {folder} holds no config.json. Name the folder of a merged checkpoint.")
    check_links(folder)
    processor = _json(folder / "processor_config.json").get("image_processor") or {}
    checkpoint = Checkpoint(folder, config, processor or _json(folder / "preprocessor_config.json"))
    problems = _text_problems(checkpoint)
    if checkpoint.has_vision:
        problems += _vision_problems(checkpoint) or _image_problems(checkpoint, images_prepared=images_prepared)
    if problems:
        raise RecipeError([f"MERGED: {folder}: {problem}" for problem in problems])
    _ = checkpoint.shards  # a missing file is found here
    return checkpoint


def _json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; an empty one if there is no file."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecipeError(f"{path}: not readable as JSON ({error}). Make or copy the checkpoint again.") from error
    return content if isinstance(content, dict) else {}


def _text_problems(checkpoint: Checkpoint) -> list[str]:
    config = checkpoint.config
    if not checkpoint.has_vision and "vision_config" in config:
        return [
            f"it is a {config.get('model_type')!r}, whose vision part llama.cpp's own converter writes "
            "(convert_hf_to_gguf.py, once as it is and once with --mmproj); this export is for LLaVA and text models."
        ]
    problems = []
    if config.get("quantization_config"):
        problems.append("its weights are quantised. Merge into the unquantised base (`axolotl merge-lora`).")
    text = checkpoint.text
    if text.get("model_type") in _GEMMA3 and not _known_query_scale(text):
        scale, head = text.get("query_pre_attn_scalar", 256), text.get("head_dim", 256)
        problems.append(
            f"query_pre_attn_scalar is {scale}, head_dim {head}: llama.cpp scales a Gemma 3's queries by its head_dim, "
            "and its answers would be others. Serve it with vLLM."
        )
    return problems


def _known_query_scale(text: dict[str, Any]) -> bool:
    scale = text.get("query_pre_attn_scalar", 256)
    if text.get("num_hidden_layers") == _GEMMA3_27B_LAYERS:
        return bool(scale == text["hidden_size"] // text["num_attention_heads"])
    return bool(scale == text.get("head_dim", 256))


def _vision_problems(checkpoint: Checkpoint) -> list[str]:
    config, kind = checkpoint.config, (checkpoint.config.get("vision_config") or {}).get("model_type")
    if kind not in _TOWERS:
        return [
            f"its vision tower is a {kind!r}. llama.cpp computes {' and '.join(sorted(_TOWERS))} in a LLaVA; "
            "serve this checkpoint with vLLM, or train one on such a tower."
        ]
    problems = []
    layer, strategy = config.get("vision_feature_layer", -2), config.get("vision_feature_select_strategy", "default")
    if not isinstance(layer, int) or not 1 <= checkpoint.vision_blocks < checkpoint.vision["num_hidden_layers"]:
        problems.append(
            f"vision_feature_layer is {layer}. Shown to work is one hidden state between the first and the last "
            "block's, such as -2."
        )
    if strategy != _TOWERS[kind]:
        problems.append(
            f"vision_feature_select_strategy is {strategy!r}. Shown to work with a {kind} is {_TOWERS[kind]!r}."
        )
    if config.get("projector_hidden_act", "gelu") != "gelu":
        problems.append(f"projector_hidden_act is {config['projector_hidden_act']!r}; llama.cpp computes gelu.")
    if checkpoint.vision["hidden_act"] not in _ACTIVATIONS:
        problems.append(
            f"hidden_act of the tower is {checkpoint.vision['hidden_act']!r}; llama.cpp computes "
            f"{', '.join(_ACTIVATIONS)}."
        )
    return problems


def _image_problems(checkpoint: Checkpoint, *, images_prepared: bool) -> list[str]:
    if not checkpoint.processor:
        return ["it has no preprocessor_config.json. Make or copy the checkpoint again."]
    if checkpoint.pads or images_prepared:
        return []
    return [
        "its images are cropped or stretched to a square (image_aspect: square), but llama.cpp pads them: an image "
        "sent as it is would be seen as another. If what sends the images prepares them, as `prepare` of "
        "data_prep.images.prepared does, say so with --images-prepared; or train with image_aspect: pad."
    ]
