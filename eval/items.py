"""An item: one question that a checkpoint answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Part = dict[str, str]
Message = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One question with the gold history before it.

    `id` is unique in its run; in a data set it is ROW#TURN, where TURN counts the row's assistant turns from 0.
    `messages` ends with the user turn to answer; its image parts stand for `images`, in order: keys of a data set's
    image store, or names that a benchmark reads. `facts` is what a scorer or a judge must know of the item beside its
    gold answer; it goes into the prediction as it is.
    """

    id: str
    language: str
    task: str
    modality: str
    messages: tuple[Message, ...]
    images: tuple[str, ...]
    question: str
    gold: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def text_of(message: Message) -> str:
    """Join the text parts of a message, one a line."""
    return "\n".join(part["text"] for part in message["content"] if part["type"] == "text")
