"""LLaVA: composed from a base and a tower, merged by this project, or published in the llava-hf form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, override

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

    @override
    def image_tokens(self, width: int, height: int) -> int:
        return int(self.config.image_seq_length)

    @override
    def pixels(self, image: Image.Image) -> Tensors:
        return {"pixel_values": self.image_processor(image, return_tensors="pt")["pixel_values"]}

    @override
    def blank(self) -> Document:
        import torch

        crop = self.image_processor.crop_size or self.image_processor.size
        tokens = self.image_tokens(crop["width"], crop["height"])
        pixels = torch.zeros(1, 3, crop["height"], crop["width"])
        return Document([self.placeholder_id] * tokens, [IGNORED] * tokens, [{"pixel_values": pixels}])
