"""The protocol between the prediction loop and an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eval.images import DecodedImage
from eval.items import Item


@dataclass(frozen=True)
class Request:
    """One prompt of a batch: the item, its prompt as `Engine.prompt` made it, its images in order."""

    item: Item
    prompt: str
    images: tuple[DecodedImage, ...] = ()


@dataclass(frozen=True)
class Completion:
    """The answer to one prompt.

    `tokens` counts the generated tokens before the end token; None if a server does not report it. With an `error`
    there is no answer: the item is unscored, and asked again by the next run.
    """

    text: str
    finish_reason: str
    tokens: int | None
    error: str = ""


class Engine(Protocol):
    """Answers batches of prompts with greedy decoding."""

    WHOLE_BATCHES: bool
    """Whether an answer may depend, by rounding, on the rest of its batch: then only whole batches are asked."""

    def prompt(self, item: Item) -> str:
        """Return the prompt of an item as it is sent. Raises EvalError if it cannot be rendered."""

    def length(self, prompt: str) -> int:
        """Return the length of a prompt, so that prompts of similar length can share a batch."""

    def answer(self, requests: Sequence[Request], max_new_tokens: int) -> list[Completion]:
        """Answer one batch, in its order."""

    def check(self) -> None:
        """Raise EvalError if no further answer can be expected; predictions so far are kept."""


class Model(Protocol):
    """What is evaluated: a checkpoint folder, or a model behind a server. Its engine is loaded at first use."""

    @property
    def shows_images(self) -> bool:
        """Whether the model is shown the items' images."""

    @property
    def without_images(self) -> bool:
        """Whether questions about images are asked without showing them, on purpose."""

    @property
    def batch_size(self) -> int:
        """Number of prompts passed to one call of `Engine.answer`."""

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer in tokens; None leaves it to the benchmark."""

    @property
    def engine(self) -> Engine:
        """The loaded engine."""

    def prompt_tokens(self, first: Sequence[tuple[Item, Sequence[DecodedImage]]]) -> str:
        """Compare the tokens sent for items with those of the model's own processor; return what the header says.

        It is "verified" only if they were compared and are the same.
        """

    def header(self) -> dict[str, Any]:
        """Return what decides the answers: model, checkpoint_sha256, engine, generation, versions."""
