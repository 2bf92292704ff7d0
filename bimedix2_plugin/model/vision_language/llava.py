"""LLaVA: composed from a base and a tower, merged by this project, or published in the llava-hf form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, override

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.families import TOWERS, Tower
from bimedix2_plugin.model.placeholder import PLACEHOLDER
from bimedix2_plugin.model.vision_language.descriptor import IGNORED, Document, Encoded, Tensors, VisionLanguageModel

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class FixedTokens:
    """An ImageTokens of a composed LLaVA of which only the number of features of an image is known."""

    count: int
    placeholder: str = PLACEHOLDER
    image_text: str = PLACEHOLDER

    def expanded(self, text: str) -> str:
        """Return the text as it is: the processor only repeats the placeholder."""
        return text

    def image_tokens(self, width: int, height: int) -> int:
        """Return the number of features."""
        return self.count


class Llava(VisionLanguageModel):
    """An image takes a fixed number of placeholders; its features replace them after one projector."""

    MODEL_TYPES = ("llava",)
    PROJECTOR = ("model.multi_modal_projector",)
    TOWER = "model.vision_tower"
    # CLIP, SigLIP and DINOv2; not DINOv2's gated layers, which its files store joined.
    VISION_LORA_TARGETS = (
        r"model\.vision_tower\.encoder\.layers?\.({layers})\."
        r"(self_attn\.(q|k|v|out)_proj|attention\.(q|k|v|o)_proj|mlp\.fc[12])"
    )

    @override
    def vision_lora_targets(self) -> str:
        features = self.config.vision_feature_layer
        count = self.config.vision_config.num_hidden_layers
        # Hidden state 0 is the embeddings, so that state n needs the first n layers.
        used = max(layer % (count + 1) for layer in (features if isinstance(features, list) else [features]))
        return self.VISION_LORA_TARGETS.format(layers="|".join(map(str, range(used))))

    @cached_property
    def _tower(self) -> Tower:
        """The tower's row in `TOWERS`: of others the number of features is unknown, or changes with the image."""
        model_type = self.config.vision_config.model_type
        if model_type not in TOWERS:
            raise RecipeError(
                f"base_model: the vision tower of {self.folder} is of model type {model_type!r}, whose features of an "
                f"image cannot be counted. Supported in a LLaVA: {', '.join(sorted(TOWERS))}."
            )
        return TOWERS[model_type]

    @cached_property
    def _features(self) -> int:
        """Features of one image. `image_seq_length` may be absent, or 576 by default."""
        vision, dropped = self.config.vision_config, self.config.vision_feature_select_strategy == "default"
        return int((vision.image_size // vision.patch_size) ** 2) + self._tower.class_tokens - dropped

    @override
    def file_settings(self) -> dict[str, dict[str, Any]]:
        processor = {
            "image_token": self.placeholder,
            "patch_size": int(self.config.vision_config.patch_size),
            "num_additional_image_tokens": self._tower.class_tokens,
            "vision_feature_select_strategy": self.config.vision_feature_select_strategy,
        }
        return {"config.json": {"image_seq_length": self._features}, "processor_config.json": processor}

    @override
    def image_tokens(self, width: int, height: int) -> int:
        return self._features

    @override
    def encoded(self, width: int, height: int) -> Encoded:
        vision, features = self.config.vision_config, self.image_tokens(width, height)
        positions = features + (self.config.vision_feature_select_strategy == "default")
        pairs = positions**2 * vision.num_hidden_layers
        return Encoded(1, features, positions, pairs, 3 * vision.image_size**2)

    @override
    def pixels(self, image: Image.Image) -> Tensors:
        return {"pixel_values": self.image_processor(image, return_tensors="pt")["pixel_values"]}

    @override
    def blank(self) -> Document:
        import torch

        tokens, side = self._features, int(self.config.vision_config.image_size)
        pixels = torch.zeros(1, 3, side, side)
        return Document([self.placeholder_id] * tokens, [IGNORED] * tokens, [{"pixel_values": pixels}])
