"""What differs between vision-language models: an image's token ids, and the tensors that go with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    import torch
    from PIL import Image

IGNORED = -100
"""The label of a token without loss."""

Tensors = dict[str, "torch.Tensor"]


@dataclass(frozen=True)
class Document:
    """One row of a pack.

    Attributes:
        ids: token ids, with the placeholders of its images.
        labels: of the same length, IGNORED where there is none.
        images: the tensors of each image, as `VisionLanguageModel.pixels` returns them, in the placeholders' order.
    """

    ids: list[int]
    labels: list[int]
    images: list[Tensors] = field(default_factory=list)


class Encoded(NamedTuple):
    """What images take in a model, summed over them.

    Attributes:
        images: how many.
        placeholders: features after the projector.
        patches: positions in the tower's layers, class tokens included.
        pairs: pairs of positions that attend to each other in the tower, summed over its layers.
        values: elements of the tensors of pixels.
    """

    images: float
    placeholders: float
    patches: float
    pairs: float
    values: float


class ImageTokens(Protocol):
    """How an image is written in token ids: all that rendering a conversation needs to know of a model."""

    @property
    def placeholder(self) -> str:
        """The token that is repeated for an image's features."""

    @property
    def image_text(self) -> str:
        """What the chat template writes for an image."""

    def expanded(self, text: str) -> str:
        """Return a rendered conversation with each image as the processor writes it, with one placeholder an image."""

    def image_tokens(self, width: int, height: int) -> int:
        """Return how many placeholders an image of this size (pixels) takes. Raises ValueError: it cannot be taken."""


class VisionLanguageModel(ABC):
    """The descriptor of one model type, for one checkpoint's folder; no weight is read. It is an ImageTokens.

    A new model type is a subclass in a file of its own, and an entry in `registry`.

    Attributes:
        MODEL_TYPES: of the configurations that it describes.
        PROJECTOR: names of the modules between tower and language model, in transformers' model; stage 1 trains these.
        TOWER: name of the vision module.
        LORA_TARGETS: pattern of the language model's linear layers, without its head.
        VISION_LORA_TARGETS: pattern of the tower's linear layers, without layers whose output the projector never sees.
        ISOLATED_BY_POSITIONS: whether attention of a pack may be computed document by document, causally.
        REMOVED_COLUMNS: columns that Axolotl removes from a prepared set for this model type, and fails without.
        PACKAGES: that transformers' processor of this model imports, and the command that installs each.
        REFUSED_ATTENTION: an `attn_implementation` that would compute something else than the model was trained with,
            and why.
    """

    MODEL_TYPES: ClassVar[tuple[str, ...]]
    PROJECTOR: ClassVar[tuple[str, ...]]
    TOWER: ClassVar[str]
    LORA_TARGETS: ClassVar[str] = (
        r"model\.language_model\.layers\.\d+\.(self_attn|mlp)\.(q|k|v|o|gate|up|down|qkv|gate_up)_proj"
    )
    VISION_LORA_TARGETS: ClassVar[str]
    ISOLATED_BY_POSITIONS: ClassVar[bool] = True
    REMOVED_COLUMNS: ClassVar[tuple[str, ...]] = ()
    REFUSED_ATTENTION: ClassVar[dict[str, str]] = {}
    PACKAGES: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @classmethod
    def trained_modules(cls, config: Any) -> list[str]:
        """Return the projector's modules as PEFT's `modules_to_save` names them."""
        return [name.removeprefix("model.") for name in cls.PROJECTOR]

    @classmethod
    def frozen_modules(cls, model: Any) -> list[torch.nn.Module]:
        """Return the vision modules before the projector, which can run without gradients if they are frozen."""
        return [model.get_submodule(cls.TOWER)]

    def vision_lora_targets(self) -> str:
        """Return the pattern of the tower's linear layers that take a LoRA.

        Every one of them has to take part in the loss: ranks would wait for gradients that never come.
        """
        return self.VISION_LORA_TARGETS

    @cached_property
    def config(self) -> Any:
        """The checkpoint's configuration."""
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(self.folder)

    @cached_property
    def image_processor(self) -> Any:
        """The checkpoint's image processor; always Pillow's, because torchvision's resamples differently."""
        from transformers import AutoImageProcessor

        return AutoImageProcessor.from_pretrained(self.folder, backend="pil")

    @cached_property
    def tokenizer(self) -> Any:
        """The checkpoint's tokenizer."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder)

    @property
    def placeholder_id(self) -> int:
        """The token id that image features replace."""
        return int(self.config.image_token_id)

    @property
    def placeholder(self) -> str:
        """The token that is repeated for an image's features."""
        return str(self.tokenizer.convert_ids_to_tokens(self.placeholder_id))

    @property
    def image_text(self) -> str:
        """What the chat template writes for an image."""
        return self.placeholder

    def expanded(self, text: str) -> str:
        """Return a rendered conversation with each image as the processor writes it, with one placeholder an image."""
        return text

    def file_settings(self) -> dict[str, dict[str, Any]]:
        """Return what the checkpoint's files have to state for every program to count placeholders as the model does.

        Returns:
            Keys and values by file name; older checkpoints lack some of them.

        Raises:
            RecipeError: the checkpoint does not say how many placeholders an image takes.
        """
        return {}

    @abstractmethod
    def image_tokens(self, width: int, height: int) -> int:
        """Return how many placeholders an image of this size (pixels) takes.

        Raises:
            ValueError: the model cannot take an image of this size.
        """

    @abstractmethod
    def encoded(self, width: int, height: int) -> Encoded:
        """Return what one image of this size (pixels) takes; of the checkpoint's folder only text files are read.

        Raises:
            ValueError: the model cannot take an image of this size.
        """

    def check_attention(self, implementation: str | None, base: str) -> None:
        """Raise RecipeError for an attention that computes something else than `base` was trained with."""
        reason = self.REFUSED_ATTENTION.get(implementation or "")
        if reason:
            raise RecipeError(f"attn_implementation: {implementation} with {base}: {reason}.")

    def pixels(self, image: Image.Image) -> Tensors:
        """Return the tensors of one image, as the model takes them for a batch of one."""
        return dict(self.image_processor(image, return_tensors="pt"))

    @abstractmethod
    def blank(self) -> Document:
        """Return a document without a label that holds one image, the smallest that the model takes."""

    def inputs(self, documents: list[Document]) -> Tensors:
        """Return what the model takes for a pack beside token ids and labels.

        There is never an attention mask: transformers isolates documents by positions that restart, without a mask.

        Args:
            documents: of the pack, with at least one image.
        """
        import torch

        positions = torch.cat([torch.arange(len(document.ids)) for document in documents])[None]
        return {"position_ids": positions} | concatenated(image for document in documents for image in document.images)


def concatenated(images: Iterable[Tensors]) -> Tensors:
    """Concatenate the tensors of images along their first dimension."""
    import torch

    every = list(images)
    return {name: torch.cat([image[name] for image in every]) for name in every[0]}
