"""LLaVA: composed from a base and a tower, merged by this project, or published in the llava-hf form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, override

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.families import TOWERS, Tower
from bimedix2_plugin.model.placeholder import PLACEHOLDER
from bimedix2_plugin.model.vision_language.descriptor import IGNORED, Document, Tensors, VisionLanguageModel

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
    def pixels(self, image: Image.Image) -> Tensors:
        return {"pixel_values": self.image_processor(image, return_tensors="pt")["pixel_values"]}

    @override
    def blank(self) -> Document:
        import torch

        tokens, side = self._features, int(self.config.vision_config.image_size)
        pixels = torch.zeros(1, 3, side, side)
        return Document([self.placeholder_id] * tokens, [IGNORED] * tokens, [{"pixel_values": pixels}])
