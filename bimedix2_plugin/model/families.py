"""The supported language models and vision towers, by exact model type; a new one is a new row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.projector import PROJECTOR

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIGLIP_MEAN = SIGLIP_STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Tower:
    """One vision architecture.

    Attributes:
        model_type: of the vision config inside the LLaVA config.
        inside: the key of that config inside a two-part model's config (CLIP, SigLIP), or None.
        prefixes: tensor name pattern to its place in `LlavaModel`, for the names that its files use.
        class_tokens: tokens before the patches, one or none; `default` feature selection drops it, `full` keeps all.
        mean, std: normalisation where the folder has no preprocessor_config.json.
    """

    model_type: str
    inside: str | None
    prefixes: dict[str, str]
    class_tokens: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def owns(self, tensor: str) -> bool:
        """Whether a tensor of the files is a weight of the vision model."""
        return tensor.startswith(self._starts) and not tensor.endswith("position_ids")

    @property
    def _starts(self) -> tuple[str, ...]:
        return tuple(pattern.removeprefix("^").replace("\\.", ".") for pattern in self.prefixes)


def _prefixes(*parts: str) -> dict[str, str]:
    return {rf"^{part}\.": f"model.vision_tower.{part}." for part in parts}


# transformers 5 writes a CLIPVisionModel without the `vision_model.` that whole CLIPs and older files have.
_CLIP_PREFIXES = {
    r"^vision_model\.": "model.vision_tower.",
    **_prefixes("embeddings", "pre_layrnorm", "encoder", "post_layernorm"),
}
_DINO_PREFIXES = _prefixes("embeddings", "encoder", "layernorm")
_SIGLIP_PREFIXES = {
    r"^vision_model\.": "model.vision_tower.",
    **_prefixes("embeddings", "encoder", "post_layernorm", "head"),
}

TOWERS: dict[str, Tower] = {
    "clip": Tower("clip_vision_model", "vision_config", _CLIP_PREFIXES, 1, CLIP_MEAN, CLIP_STD),
    "clip_vision_model": Tower("clip_vision_model", None, _CLIP_PREFIXES, 1, CLIP_MEAN, CLIP_STD),
    "dinov2": Tower("dinov2", None, _DINO_PREFIXES, 1, IMAGENET_MEAN, IMAGENET_STD),
    "siglip": Tower("siglip_vision_model", "vision_config", _SIGLIP_PREFIXES, 0, SIGLIP_MEAN, SIGLIP_STD),
    "siglip_vision_model": Tower("siglip_vision_model", None, _SIGLIP_PREFIXES, 0, SIGLIP_MEAN, SIGLIP_STD),
}


@dataclass(frozen=True)
class Base:
    """One language model architecture; everything else comes from the model's own config.

    Attributes:
        scaled_embeddings: whether the model multiplies token embeddings by sqrt(H). Image features replace
            embeddings after that, so they are not multiplied.
    """

    scaled_embeddings: bool = False


BASES: dict[str, Base] = {
    "gemma2": Base(scaled_embeddings=True),
    "gemma3_text": Base(scaled_embeddings=True),
    "jais2": Base(),
    "llama": Base(),
    "mistral": Base(),
    "phi3": Base(),
    "qwen2": Base(),
    "qwen3": Base(),
}

# Language models of transformers that its LLaVA cannot hold, and why.
REFUSED = {
    "falcon_h1": "its Mamba layers carry a state from one row of a pack into the next, and transformers' LLaVA leaves "
    "out its factors of embeddings and logits",
}

# All bases name their tensors alike; a tied lm_head has no tensor, an untied one keeps its name.
_BASE_MAPPING = {r"^model\.(?=layers\.|embed_tokens\.|norm\.)": "model.language_model."}
PROJECTOR_MAPPING = {rf"^{PROJECTOR}": f"model.{PROJECTOR}"}

# The linear layers of the language model without its head: the paper's targets. The pattern names the language model,
# because the tower has layers of the same names.
LORA_TARGETS = r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down|qkv|gate_up)_proj"


def tower_of(name: str, config: dict[str, Any]) -> Tower:
    """Look up a tower by its config's model type.

    Raises:
        RecipeError: the model type is not a supported vision tower.
    """
    model_type = config.get("model_type")
    if model_type not in TOWERS:
        raise RecipeError(
            f"vision_tower: {name} is of model type {model_type!r}, which is not a supported vision tower. "
            f"Supported: {', '.join(sorted(TOWERS))}."
        )
    return TOWERS[model_type]


def base_of(name: str, config: dict[str, Any]) -> Base:
    """Look up a language model by its config's model type.

    Raises:
        RecipeError: the model type is not a supported language model, or the config lacks its sizes.
    """
    model_type = config.get("model_type")
    if model_type not in BASES:
        reason = f": {REFUSED[model_type]}" if model_type in REFUSED else ""
        raise RecipeError(
            f"base_model: {name} is of model type {model_type!r}, which is not a supported language model{reason}. "
            f"Supported: {', '.join(sorted(BASES))}."
        )
    missing = [key for key in ("hidden_size", "vocab_size") if key not in config]
    if missing:
        raise RecipeError(
            f"base_model: the config.json of {name} has no {' and no '.join(missing)}. Download it again."
        )
    return BASES[model_type]


def key_mapping(tower_type: str) -> dict[str, str]:
    """Return the `key_mapping` with which `from_pretrained` reads a composed folder."""
    return {**_BASE_MAPPING, **TOWERS[tower_type].prefixes, **PROJECTOR_MAPPING}
