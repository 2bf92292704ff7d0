"""Qwen2.5-VL and Qwen3-VL: placeholders by an image's size, and positions in time, height and width."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, override

from bimedix2_plugin.model.vision_language.descriptor import IGNORED, Document, Encoded, Tensors, VisionLanguageModel

if TYPE_CHECKING:
    import torch


class QwenVl(VisionLanguageModel):
    """An image is a grid of patches, of which a square of merge_size x merge_size becomes one placeholder.

    The mergers inside the tower are the projector, those of Qwen3-VL's deepstack layers included.
    """

    MODEL_TYPES = ("qwen2_5_vl", "qwen3_vl")
    PROJECTOR = ("model.visual.merger", "model.visual.deepstack_merger_list")
    TOWER = "model.visual"
    PACKAGES: ClassVar[dict[str, str]] = {"torchvision": "pip install -e '.[qwen-vl]'"}
    VISION_LORA_TARGETS = (
        r"model\.visual\.blocks\.\d+\.(attn|mlp)\.(qkv|proj|gate_proj|up_proj|down_proj|linear_fc1|linear_fc2)"
    )

    @classmethod
    @override
    def trained_modules(cls, config: Any) -> list[str]:
        layers = getattr(config.vision_config, "deepstack_visual_indexes", [])
        # PEFT does not wrap a list of modules, only its members.
        return ["visual.merger", *(f"visual.deepstack_merger_list.{number}" for number in range(len(layers)))]

    @classmethod
    @override
    def frozen_modules(cls, model: Any) -> list[torch.nn.Module]:
        tower = model.get_submodule(cls.TOWER)
        return [tower.patch_embed, *tower.blocks]

    @property
    @override
    def image_text(self) -> str:
        ids = self.config.vision_start_token_id, self.placeholder_id, self.config.vision_end_token_id
        return "".join(self.tokenizer.convert_ids_to_tokens(list(ids)))

    @override
    def image_tokens(self, width: int, height: int) -> int:
        patches = self.image_processor.get_number_of_image_patches(height, width, {})
        return int(patches // self.image_processor.merge_size**2)

    @override
    def encoded(self, width: int, height: int) -> Encoded:
        vision, pixels = self.config.vision_config, self.image_processor
        features = self.image_tokens(width, height)
        patches = features * pixels.merge_size**2
        # Qwen2.5-VL attends within windows in all layers but a few.
        window = (getattr(vision, "window_size", 0) // vision.patch_size) ** 2 or patches
        whole = len(vision.fullatt_block_indexes) if hasattr(vision, "fullatt_block_indexes") else vision.depth
        pairs = patches * (whole * patches + (vision.depth - whole) * min(window, patches))
        values = patches * 3 * pixels.temporal_patch_size * pixels.patch_size**2
        return Encoded(1, features, patches, pairs, values)

    @override
    def blank(self) -> Document:
        from PIL import Image

        side = self.image_processor.patch_size * self.image_processor.merge_size
        image = Image.new("RGB", (side, side))
        start, end = self.config.vision_start_token_id, self.config.vision_end_token_id
        ids = [start, *[self.placeholder_id] * self.image_tokens(side, side), end]
        return Document(ids, [IGNORED] * len(ids), [self.pixels(image)])

    @override
    def inputs(self, documents: list[Document]) -> Tensors:
        """Return positions of four rows, int64 [4, 1, L]: in the text, and in time, height and width.

        transformers isolates documents by the first row only if it is given; given the other three alone, or
        `mm_token_type_ids` without positions, documents would see each other.
        """
        import torch

        made = super().inputs(documents)
        rows = torch.cat([self._rotary_positions(document) for document in documents], dim=2)
        return made | {"position_ids": torch.cat([made["position_ids"][None], rows])}

    def _rotary_positions(self, document: Document) -> torch.Tensor:
        """Return one document's positions in time, height and width, int64 [3, 1, L], by the model's own function."""
        import torch

        ids = torch.tensor([document.ids])
        grids = torch.cat([image["image_grid_thw"] for image in document.images]) if document.images else None
        types = (ids == self.placeholder_id).int()
        positions: torch.Tensor = self._without_weights.get_rope_index(ids, types, image_grid_thw=grids)[0]
        return positions

    @cached_property
    def _without_weights(self) -> Any:
        """The model on the meta device with no layers, for its position function."""
        import torch
        from transformers import AutoModel

        config = type(self.config).from_dict(self.config.to_dict())
        config.text_config.num_hidden_layers = config.vision_config.depth = 1
        with torch.device("meta"):
            return AutoModel.from_config(config)
