"""A model behind an OpenAI-compatible server, which renders the prompts itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator

from data_prep.llm.connection import Connection, ServerError
from data_prep.llm.stream import StreamError, models_of, stream
from eval.chat.conversation import Conversation
from eval.chat.talker import STOPPED, Decoding, TooLongError
from eval.chat.text import well_formed
from eval.engines.engine import Completion
from eval.engines.openai_engine import messages_of
from eval.engines.sent_images import DataUrl
from eval.errors import EvalError
from eval.images import DecodedImage

TOO_LONG = re.compile(r"context (length|size|window)|context_length|prompt is too long", re.IGNORECASE)
"""What vLLM, llama.cpp and OpenAI say of a conversation that is longer than the context."""


class ServerTalker:
    """A served model, as `Talker` says; whether it sees images, only the server knows."""

    shows_images = True

    def __init__(self, connection: Connection, name: str, data_url: DataUrl = DecodedImage.data_url) -> None:
        self.connection, self.name = connection, name
        self._data_url = data_url

    def stream(self, conversation: Conversation, decoding: Decoding, stop: threading.Event) -> Generator[Completion]:
        """Yield the answer as it grows. The server counts tokens, so `Completion.tokens` is None.

        Raises:
            TooLongError: the server says that the conversation is longer than its context.
            EvalError: the server refuses, or is not there.
        """
        images = [image.decoded for image in conversation.images()]
        request = {
            "model": self.name,
            "messages": messages_of(conversation.item(), images, self._data_url),
            "temperature": decoding.temperature,
            "max_tokens": decoding.max_new_tokens,
        }
        raw, reason = "", ""
        try:
            for piece in stream(self.connection, request, stop):
                raw, reason = raw + piece.text, piece.finish_reason or reason
                if piece.text:
                    # A character of which only the first half is there is not shown yet.
                    yield Completion(well_formed(raw).rstrip("\ufffd"), "", None)
                elif piece.reasons and not raw:
                    yield Completion("", "reasoning", None)
        except StreamError as error:
            if raw:
                yield Completion(well_formed(raw), "error", None, f"The answer is cut: {error}")
                return
            if TOO_LONG.search(str(error)):
                raise TooLongError(f"{error} Drop the oldest turns, or begin anew.") from None
            raise EvalError(str(error)) from None
        yield Completion(well_formed(raw), reason or STOPPED, None)


def served(connection: Connection, names: list[str], data_url: DataUrl = DecodedImage.data_url) -> list[ServerTalker]:
    """Return a talker for each model of a server; without names for the only one that it offers.

    Raises:
        EvalError: no server answers, or it offers several models.
    """
    try:
        connection.check_server()
        offered = names or models_of(connection)
    except ServerError as error:
        raise EvalError(f"{error} Start the server, or give its address with --base-url, /v1 included.") from None
    if len(offered) != 1 and not names:
        raise EvalError(
            f"--model: say which of the server's models answers: {', '.join(offered[:20]) or 'it has none'}"
        )
    return [ServerTalker(connection, name, data_url) for name in offered]
