"""Language models and vision towers that compose, by exact model type; adding one is adding a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bimedix2_plugin.errors import RecipeError

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIGLIP_MEAN = SIGLIP_STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Tower:
    """One vision architecture.

    Attributes:
        model_type: of the config that goes into the LLaVA config.
        inside: the key of that config inside a two-part model's config (CLIP, SigLIP), or None.
        prefixes: tensor name pattern to its place in `LlavaModel`, for the names that its files use.
        class_tokens: tokens before the patches, one or none; `default` feature selection drops it, `full` takes all.
        mean, std: normalisation where the folder has no preprocessor_config.json.
    """

    model_type: str
    inside: str | None
    prefixes: dict[str, str]
    class_tokens: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def owns(self, tensor: str) -> bool:
        """Whether a tensor of the file belongs to the vision half and is a weight that the model has."""
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
    """One language model architecture; what is not here follows from the model's own config.

    Attributes:
        scaled_embeddings: whether the model multiplies token embeddings by sqrt(H). Image features take the
            embeddings' place after that, so they are not multiplied.
    """

    scaled_embeddings: bool = False


BASES: dict[str, Base] = {
    "gemma2": Base(scaled_embeddings=True),
    "gemma3_text": Base(scaled_embeddings=True),
    "llama": Base(),
    "mistral": Base(),
    "phi3": Base(),
    "qwen2": Base(),
    "qwen3": Base(),
}

# Every base's files name their tensors alike; a tied lm_head has none, an untied one keeps its name.
_BASE_MAPPING = {r"^model\.(?=layers\.|embed_tokens\.|norm\.)": "model.language_model."}
PROJECTOR_MAPPING = {r"^multi_modal_projector": "model.multi_modal_projector"}


def tower_of(name: str, config: dict[str, Any]) -> Tower:
    """Look up a tower by its config's model type.

    Raises:
        RecipeError: it is not a vision model that composes.
    """
    model_type = config.get("model_type")
    if model_type not in TOWERS:
        raise RecipeError(
            f"vision_tower: {name} is of model type {model_type!r}, which is not a vision tower that composes. "
            f"Known: {', '.join(sorted(TOWERS))}."
        )
    return TOWERS[model_type]


def base_of(name: str, config: dict[str, Any]) -> Base:
    """Look up a language model by its config's model type.

    Raises:
        RecipeError: it is not a language model that composes.
    """
    model_type = config.get("model_type")
    if model_type not in BASES:
        raise RecipeError(
            f"base_model: {name} is of model type {model_type!r}, which is not a language model that composes. "
            f"Known: {', '.join(sorted(BASES))}."
        )
    return BASES[model_type]


def key_mapping(tower_type: str) -> dict[str, str]:
    """The `key_mapping` with which `from_pretrained` reads a composed folder's links."""
    return {**_BASE_MAPPING, **TOWERS[tower_type].prefixes, **PROJECTOR_MAPPING}
