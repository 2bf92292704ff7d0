"""Language models and vision towers that compose, by exact model type; adding one is adding a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bimedix2_plugin.errors import RecipeError

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Tower:
    """One vision architecture.

    Attributes:
        model_type: of the config that goes into the LLaVA config.
        inside: the key of that config inside a two-part model's config (CLIP), or None.
        prefixes: tensor name pattern to its place in `LlavaModel`, for the names that its files use.
        class_tokens: tokens before the patches; `default` feature selection drops the first one.
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

TOWERS: dict[str, Tower] = {
    "clip": Tower("clip_vision_model", "vision_config", _CLIP_PREFIXES, 1, CLIP_MEAN, CLIP_STD),
    "clip_vision_model": Tower("clip_vision_model", None, _CLIP_PREFIXES, 1, CLIP_MEAN, CLIP_STD),
    "dinov2": Tower("dinov2", None, _DINO_PREFIXES, 1, IMAGENET_MEAN, IMAGENET_STD),
}

# The language model's tensor names in its own files, and where they go in LlavaForConditionalGeneration.
# One entry a first part: transformers does not match a pattern with a group and a back reference here.
BASES: dict[str, dict[str, str]] = {
    "llama": {
        r"^model\.(?=layers\.|embed_tokens\.|norm\.)": "model.language_model.",
    },
}

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


def base_mapping(name: str, config: dict[str, Any]) -> dict[str, str]:
    """Look up the language model's key mapping by its config's model type.

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


def key_mapping(base_type: str, tower_type: str) -> dict[str, str]:
    """The `key_mapping` with which `from_pretrained` reads a composed folder's links."""
    return {**BASES[base_type], **TOWERS[tower_type].prefixes, **PROJECTOR_MAPPING}
