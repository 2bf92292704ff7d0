"""Any OpenAI-compatible server: bounded concurrency, retries with back-off, pictures as data URLs.

The server renders the prompt, so nobody here can tell whether its tokens are those of training; the header says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval.engines.base import Asked, Completion
from eval.engines.connection import Connection
from eval.errors import EvalError
from eval.images import DecodedImage
from eval.items import Item, Message, text_of
from eval.model import Settings, version_of

FAILURES_IN_A_ROW = 8
LASTING = {401, 403, 404}
"""Refused key, no right to it, no such model or address: asking again changes nothing."""


@dataclass(frozen=True)
class Server:
    """A model behind a server, as the prediction loop sees it."""

    model: str
    connection: Connection
    settings: Settings
    shows_images: bool = True

    @property
    def batch_size(self) -> int:
        """How many prompts are under way or waiting for a free request; a killed run asks as many again."""
        return self.settings.batch_size

    @property
    def max_new_tokens(self) -> int | None:
        """The longest answer in tokens; None leaves it to the benchmark."""
        return self.settings.max_new_tokens

    @cached_property
    def engine(self) -> OpenAIEngine:
        """The engine, once the server has answered."""
        self.connection.check_server()
        return OpenAIEngine(self.model, self.connection)

    def header(self) -> dict[str, Any]:
        """Say what decides the answers, as far as it can be known."""
        engine = {"name": "openai", "version": version_of("openai"), "base_url": self.connection.public_url}
        return {
            "model": self.model,
            "checkpoint_sha256": None,
            "engine": {**engine, "prompt_tokens": "not verified"},
            "generation": {"temperature": 0},
            "versions": {"openai": version_of("openai")},
        }


class OpenAIEngine:
    """Sends each prompt as one chat completion; temperature 0."""

    WHOLE_BATCHES = False

    def __init__(self, model: str, connection: Connection) -> None:
        self.model, self.connection = model, connection
        self._failures, self._lasting, self._trouble = 0, False, ""

    def prompt(self, item: Item) -> str:
        """Return the messages as JSON: what is sent, with an image part where the picture's bytes go."""
        return json.dumps(list(item.messages), ensure_ascii=False)

    def length(self, prompt: str) -> int:
        """Count characters: the server's tokens are not known here."""
        return len(prompt)

    def check(self) -> None:
        """Stop after many failures in a row, or one that will not pass.

        Raises:
            EvalError: the server failed too often.
        """
        if self._stopped:
            why = "no other reply can be expected" if self._lasting else f"{self._failures} failures in a row"
            raise EvalError(
                f"{self.connection.public_url}: stopped, {why}: {self._trouble} "
                "What was answered is kept: run the same command again to go on."
            )

    @property
    def _stopped(self) -> bool:
        return self._lasting or self._failures >= FAILURES_IN_A_ROW

    def answer(self, asked: Sequence[Asked], max_new_tokens: int) -> list[Completion]:
        """Answer a batch, so many requests at a time; a failed request gives an error in place of an answer."""
        return asyncio.run(self._answer(asked, max_new_tokens))

    async def _answer(self, asked: Sequence[Asked], max_new_tokens: int) -> list[Completion]:
        free = asyncio.Semaphore(self.connection.concurrency)
        async with self.connection.client() as client:
            return await asyncio.gather(*(self._one(client, free, each, max_new_tokens) for each in asked))

    async def _one(self, client: Any, free: asyncio.Semaphore, asked: Asked, max_new_tokens: int) -> Completion:
        from openai import APIStatusError, OpenAIError

        async with free:
            if self._stopped:
                return _failed("not asked: the server failed too often")
            try:
                reply = await client.chat.completions.create(
                    model=self.model,
                    messages=messages_of(asked.item, asked.pictures),
                    max_tokens=max_new_tokens,
                    temperature=0,
                )
                completion = completion_of(reply)
            except (OpenAIError, ValueError) as error:
                lasting = isinstance(error, APIStatusError) and error.status_code in LASTING
                return self._count_failure(self.connection.hidden(str(error)), lasting)
            if completion.error:
                return self._count_failure(completion.error, lasting=False)
            self._failures = 0
            return completion

    def _count_failure(self, trouble: str, lasting: bool) -> Completion:
        self._failures += 1
        self._lasting |= lasting
        self._trouble = trouble
        return _failed(trouble)


def messages_of(item: Item, pictures: Sequence[DecodedImage]) -> list[Message]:
    """Return an item's messages as a chat completion takes them; a turn without picture is a plain string."""
    urls = iter([picture.data_url() for picture in pictures])
    messages: list[Message] = []
    for message in item.messages:
        content: Any = text_of(message)
        if any(part["type"] == "image" for part in message["content"]):
            content = [
                {"type": "image_url", "image_url": {"url": next(urls)}} if part["type"] == "image" else part
                for part in message["content"]
            ]
        messages.append({"role": message["role"], "content": content})
    return messages


def completion_of(reply: Any) -> Completion:
    """Read a chat completion; anything else is an error, since servers differ in what they call one."""
    try:
        (choice,) = reply.choices
        text, reason = choice.message.content, choice.finish_reason
    except (AttributeError, TypeError, ValueError):
        return _failed(f"the reply is no chat completion: {str(reply)[:200]!r}")
    if not isinstance(text, str) or not isinstance(reason, str):
        return _failed(f"the reply has no answer, or does not say why it ends: {str(choice)[:200]!r}")
    tokens = getattr(getattr(reply, "usage", None), "completion_tokens", None)
    return Completion(text.strip(), reason, tokens if isinstance(tokens, int) else None)


def _failed(error: str) -> Completion:
    return Completion("", "error", None, error)
