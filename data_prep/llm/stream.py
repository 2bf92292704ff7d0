"""One chat completion of an OpenAI-compatible server, read as it is written and stopped from outside."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from data_prep.llm.client import INSTEAD, LONGEST_MESSAGE, REFUSED
from data_prep.llm.connection import Connection, ServerError

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Piece:
    """What a server sends at once: some text, or at the end why it ends.

    `reasons` says that it is of the model's reasoning, whose text is left out.
    """

    text: str
    finish_reason: str | None = None
    reasons: bool = False


class StreamError(ServerError):
    """A server gave no reply, or none to its end. `status` is the HTTP status, if there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


type Pieces = queue.Queue[Piece | StreamError | None]
"""What a server has sent: None after its end."""


def models_of(connection: Connection) -> list[str]:
    """Return the names of the models that a server offers. Raises ServerError if it cannot be asked."""
    with connection.sync_client() as client:
        try:
            return [model.id for model in client.models.list()]
        except Exception as error:  # the client raises errors of its own, of the network, and of JSON
            raise _error(connection, error) from None


def stream(connection: Connection, request: dict[str, Any], stop: threading.Event) -> Iterator[Piece]:
    """Yield the pieces of one reply until it ends, or at once when `stop` is set.

    Then, or when the reader goes away, the connection is closed, also of a server that is still reading the request:
    it need not write what no one reads.

    Args:
        connection: the server; `timeout` is the longest silence, `retries` are not made.
        request: `model`, `messages` and settings of a chat completion.
        stop: ends the reading.

    Raises:
        StreamError: the server refuses, is silent, or ends in the middle; pieces until then were given.
    """
    pieces: Pieces = queue.Queue()
    left = threading.Event()
    reading = _until(left, lambda: _read(connection, request, pieces))
    threading.Thread(target=asyncio.run, args=(reading,), daemon=True).start()
    try:
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
    finally:
        left.set()


async def _until(left: threading.Event, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do some work, and cancel it when the event is set."""
    task = asyncio.create_task(work())
    while not (await asyncio.wait({task}, timeout=POLL_SECONDS))[0]:
        if left.is_set():
            task.cancel()


async def _read(connection: Connection, request: dict[str, Any], pieces: Pieces) -> None:
    ended = False
    try:
        async with connection.client() as client, await _begun(client, request, connection.timeout) as chunks:
            async for chunk in chunks:
                for choice in (chunk.choices or [])[:1]:
                    ended = ended or choice.finish_reason is not None
                    pieces.put(_piece(choice))
        pieces.put(None if ended else StreamError(f"{connection.public_url}: the server ended before its reply did."))
    except Exception as error:  # the client raises errors of its own, of the network, and of JSON
        pieces.put(_error(connection, error))


def _piece(choice: Any) -> Piece:
    delta = choice.delta
    content = getattr(delta, "content", None) or getattr(delta, "refusal", None) or ""
    if not isinstance(content, str):  # parts, of which those of reasoning have no text
        content = "".join(part.get("text") or "" for part in content)
    # vLLM, llama.cpp and DeepSeek; OpenRouter and newer vLLM.
    reasons = any(getattr(delta, name, None) for name in ("reasoning_content", "reasoning"))
    return Piece(content, choice.finish_reason, reasons)


async def _begun(client: Any, request: dict[str, Any], timeout: float) -> Any:
    import openai

    try:
        return await client.chat.completions.create(**request, stream=True, timeout=timeout)
    except openai.BadRequestError as error:
        if REFUSED not in request or INSTEAD not in str(error):
            raise
        renamed = {INSTEAD if key == REFUSED else key: value for key, value in request.items()}
        return await client.chat.completions.create(**renamed, stream=True, timeout=timeout)


def _error(connection: Connection, error: Exception) -> StreamError:
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    told = " ".join(connection.hide_secrets(f"{type(error).__name__}: {error}{cause}").split())
    return StreamError(f"{connection.public_url}: {told[:LONGEST_MESSAGE]}", getattr(error, "status_code", None))
