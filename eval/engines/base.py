"""The protocol between the prediction loop and what answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eval.images import DecodedImage
from eval.items import Item


@dataclass(frozen=True)
class Asked:
    """One prompt of a batch: the item, its prompt as `Engine.prompt` made it, its pictures in order."""

    item: Item
    prompt: str
    pictures: tuple[DecodedImage, ...] = ()


@dataclass(frozen=True)
class Completion:
    """The answer to one prompt.

    `tokens` counts what was generated before the end token; None where a server does not tell. With an `error` there
    is no answer: the item is unscored, and asked again by the next run.
    """

    text: str
    finish_reason: str
    tokens: int | None
    error: str = ""


class Engine(Protocol):
    """Answers batches of prompts, greedily."""

    WHOLE_BATCHES: bool
    """Whether an answer may depend, by rounding, on the rest of its batch: then only whole batches are asked."""

    def prompt(self, item: Item) -> str:
        """Return the prompt of an item as it is sent. Raises EvalError if it cannot be rendered."""

    def length(self, prompt: str) -> int:
        """Tell how long a prompt is, to put prompts of one length into one batch."""

    def answer(self, asked: Sequence[Asked], max_new_tokens: int) -> list[Completion]:
        """Answer one batch, in its order."""

    def check(self) -> None:
        """Raise EvalError if it makes no sense to go on; what was answered is kept."""


class Model(Protocol):
    """What is evaluated: a checkpoint folder, or a model behind a server. Its engine is loaded at first use."""

    @property
    def shows_images(self) -> bool:
        """Whether the model is shown the items' pictures."""

    @property
    def batch_size(self) -> int:
        """How many prompts one call of `Engine.answer` gets."""

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer in tokens; None leaves it to the benchmark."""

    @property
    def engine(self) -> Engine:
        """The loaded engine."""

    def header(self) -> dict[str, Any]:
        """Say what decides the answers: model, checkpoint_sha256, engine, generation, versions."""
