"""One chat completion of an OpenAI-compatible server, read as it is written and stopped from outside."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data_prep.llm.client import INSTEAD, LONGEST_MESSAGE, REFUSED
from data_prep.llm.connection import Connection, ServerError

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Piece:
    """What a server sends at once: some text, or at the end why it ends."""

    text: str
    finish_reason: str | None = None


class StreamError(ServerError):
    """A server gave no reply, or none to its end. `status` is the HTTP status, if there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def models_of(connection: Connection) -> list[str]:
    """Return the names of the models that a server offers. Raises ServerError if it cannot be asked."""
    with connection.sync_client() as client:
        try:
            return [model.id for model in client.models.list()]
        except Exception as error:  # the client raises errors of its own, of the network, and of JSON
            raise _error(connection, error) from None


def stream(connection: Connection, request: dict[str, Any], stop: threading.Event) -> Iterator[Piece]:
    """Yield the pieces of one reply until it ends, or at once when `stop` is set.

    Args:
        connection: the server; `timeout` is the longest silence, `retries` are not made.
        request: `model`, `messages` and settings of a chat completion.
        stop: ends the reading; the server then stops writing, as its connection is closed.

    Raises:
        StreamError: the server refuses, is silent, or ends in the middle; pieces until then were given.
    """
    pieces: queue.Queue[Piece | StreamError | None] = queue.Queue()
    threading.Thread(target=_read, args=(connection, request, stop, pieces), daemon=True).start()
    while not stop.is_set():
        try:
            piece = pieces.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
        if piece is None:
            return
        if isinstance(piece, StreamError):
            raise piece
        yield piece


def _read(
    connection: Connection,
    request: dict[str, Any],
    stop: threading.Event,
    pieces: queue.Queue[Piece | StreamError | None],
) -> None:
    ended = False
    try:
        with connection.sync_client() as client, _begun(client, request) as chunks:
            for chunk in chunks:
                if stop.is_set():
                    return
                for choice in chunk.choices[:1]:
                    ended = ended or choice.finish_reason is not None
                    pieces.put(Piece(choice.delta.content or choice.delta.refusal or "", choice.finish_reason))
        pieces.put(None if ended else StreamError(f"{connection.public_url}: the server ended before its reply did."))
    except Exception as error:  # the client raises errors of its own, of the network, and of JSON
        pieces.put(_error(connection, error))


def _begun(client: Any, request: dict[str, Any]) -> Any:
    import openai

    try:
        return client.chat.completions.create(**request, stream=True)
    except openai.BadRequestError as error:
        if REFUSED not in request or INSTEAD not in str(error):
            raise
        renamed = {INSTEAD if key == REFUSED else key: value for key, value in request.items()}
        return client.chat.completions.create(**renamed, stream=True)


def _error(connection: Connection, error: Exception) -> StreamError:
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    told = " ".join(connection.hide_secrets(f"{type(error).__name__}: {error}{cause}").split())
    return StreamError(f"{connection.public_url}: {told[:LONGEST_MESSAGE]}", getattr(error, "status_code", None))
