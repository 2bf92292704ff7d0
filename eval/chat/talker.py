"""What answers a conversation: a checkpoint on this machine, or a model behind a server."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from eval.chat.conversation import Conversation
from eval.engines.engine import Completion
from eval.errors import EvalError

STOPPED = "stopped"
"""The finish reason of an answer that the user stopped."""
NOT_YET = {
    "reasoning": "The model is reasoning; its answer comes after that.",
    "waiting": "The model is answering another chat; this one is next.",
}
"""What is said while there is nothing of an answer yet, by what then stands in the place of its finish reason."""


class TooLongError(EvalError):
    """The conversation does not fit the model's context with room for an answer."""


@dataclass(frozen=True)
class Decoding:
    """How an answer is made: greedily at temperature 0, as evaluation does, else by sampling."""

    max_new_tokens: int = 512
    temperature: float = 0.0


class Talker(Protocol):
    """Answers one conversation at a time; several may share it, and wait for each other."""

    @property
    def name(self) -> str:
        """The checkpoint's folder, or the server's name for the model."""

    @property
    def shows_images(self) -> bool:
        """Whether the model can be shown images, as far as is known."""

    def stream(self, conversation: Conversation, decoding: Decoding, stop: threading.Event) -> Generator[Completion]:
        """Yield the answer as it grows, each time as a whole; the last one has a finish reason.

        What failed after the first token is told by `Completion.error`, with the text until then.

        Args:
            conversation: ends with the question; it is not changed.
            decoding: how the answer is made.
            stop: once it is set, the answer ends at once, with STOPPED as its finish reason.

        Raises:
            TooLongError: the conversation does not fit.
            EvalError: no answer was begun; says why.
        """
