"""Gemma 3 and MedGemma: a fixed number of placeholders between two tokens; the tokens of an image see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from bimedix2_plugin.model.vision_language.descriptor import IGNORED, Document, Encoded, Tensors, VisionLanguageModel

if TYPE_CHECKING:
    from PIL import Image


class Gemma3(VisionLanguageModel):
    """`token_type_ids` are 1 on placeholders; without them the tokens of an image would attend causally."""

    MODEL_TYPES = ("gemma3",)
    PROJECTOR = ("model.multi_modal_projector",)
    TOWER = "model.vision_tower"
    VISION_LORA_TARGETS = (
        r"model\.vision_tower\.encoder\.layers\.\d+\.(self_attn|mlp)\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"
    )
    ISOLATED_BY_POSITIONS = False
    REMOVED_COLUMNS = ("attention_mask",)
    REFUSED_ATTENTION = dict.fromkeys(
        ("flash_attention_2", "flash_attention_3"),
        "it takes no mask, so that the tokens of an image would attend causally, unlike in the model's own training; "
        "set it to sdpa or eager",
    )

    @property
    def _marks(self) -> tuple[str, str, str]:
        """The tokens before, in the place of, and after an image."""
        words = self.tokenizer
        return words.boi_token, words.image_token, words.eoi_token

    @property
    @override
    def image_text(self) -> str:
        return self._marks[0]

    @override
    def expanded(self, text: str) -> str:
        begin, image, end = self._marks
        return text.replace(begin, f"\n\n{begin}{image}{end}\n\n")

    @override
    def image_tokens(self, width: int, height: int) -> int:
        return int(self.config.mm_tokens_per_image)

    @override
    def encoded(self, width: int, height: int) -> Encoded:
        vision = self.config.vision_config
        patches = (vision.image_size // vision.patch_size) ** 2
        pairs = patches**2 * vision.num_hidden_layers
        return Encoded(1, self.image_tokens(width, height), patches, pairs, 3 * vision.image_size**2)

    @override
    def pixels(self, image: Image.Image) -> Tensors:
        return {"pixel_values": self.image_processor(image, return_tensors="pt")["pixel_values"]}

    @override
    def blank(self) -> Document:
        import torch

        begin, _, end = (self.tokenizer.convert_tokens_to_ids(mark) for mark in self._marks)
        size = self.image_processor.size
        ids = [begin, *[self.placeholder_id] * self.image_tokens(0, 0), end]
        pixels = torch.zeros(1, 3, size["height"], size["width"])
        return Document(ids, [IGNORED] * len(ids), [{"pixel_values": pixels}])

    @override
    def inputs(self, documents: list[Document]) -> Tensors:
        import torch

        ids = torch.tensor([[token for document in documents for token in document.ids]])
        return super().inputs(documents) | {"token_type_ids": (ids == self.placeholder_id).long()}
