"""Asks an OpenAI-compatible server for many chat completions at once.

The call is synchronous; inside, a bounded number of requests is in flight. A request that fails gives a `Failure` in
place of a reply, and the others go on, unless the server seems to be gone. Ctrl-C ends the call at once: replies that
were passed to `keep` are kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_prep.llm.connection import Connection
from data_prep.llm.retry import RequestError, with_retries

LASTING = frozenset({401, 403, 404})
"""Key refused or without the right, no such model or address: no other request can succeed."""
PROMPT_AT_FAULT = frozenset({400, 413, 422})
"""One prompt is at fault, not the server."""
REFUSED, INSTEAD = "max_tokens", "max_completion_tokens"
"""The longest reply by the name that some servers refuse, and by the one that they ask for instead."""
LONGEST_MESSAGE = 300

Messages = list[dict[str, Any]]
"""Turns of a chat as the server takes them."""


@dataclass(frozen=True)
class Reply:
    """A chat completion.

    `text` and `finish_reason` are None where the server sent none; a refusal is a text. Token counts are None where
    the server does not count; `tokens_in` includes tokens that the server had cached.
    """

    text: str | None
    finish_reason: str | None
    tokens_in: int | None
    tokens_out: int | None


@dataclass(frozen=True)
class Failure:
    """Why there is no reply, in one line without the key."""

    message: str


class Client:
    """One model behind a server, always asked in the same way.

    After `give_up_after` failures in a row, or one failure with an HTTP status in `lasting`, the server is considered
    gone: the client is `stopped` and sends nothing any more. The prompt's own fault (`PROMPT_AT_FAULT`) does not count.
    """

    def __init__(
        self,
        connection: Connection,
        model: str,
        *,
        temperature: float | None = 0,
        extras: Mapping[str, Any] | None = None,
        give_up_after: int = 8,
        lasting: frozenset[int] = LASTING,
    ) -> None:
        """Set what every request has in common; `temperature` None leaves it to the server.

        `extras` are further keys of the request that this server takes, such as vLLM's chat_template_kwargs.
        """
        self.connection, self.model, self.temperature = connection, model, temperature
        self.extras = dict(extras or {})
        self.name_of_max_tokens = _name_of_max_tokens(model)
        self.give_up_after, self.lasting = give_up_after, lasting
        self.failures_in_a_row = 0
        self.last_failure = ""
        self.why_stopped = ""

    @property
    def stopped(self) -> bool:
        """Whether the server is considered gone; `why_stopped` says why, with the last failure."""
        return bool(self.why_stopped)

    def ask[T](
        self,
        asked: Sequence[T],
        messages_of: Callable[[T], Messages],
        max_tokens: int | None = None,
        keep: Callable[[T, Reply], None] | None = None,
    ) -> list[Reply | Failure]:
        """Send one request for each element of `asked`; return the outcomes in the same order.

        Args:
            asked: what is asked about.
            messages_of: makes the messages of one element, just before they are sent.
            max_tokens: the longest reply; None leaves it to the server.
            keep: called with each reply as it comes, in any order. What it raises ends the call.
        """
        outcomes: list[Reply | Failure] = [Failure("stopped: the server failed too often")] * len(asked)

        def done(placed: tuple[int, T], outcome: Reply | Failure) -> None:
            outcomes[placed[0]] = outcome
            if isinstance(outcome, Reply) and keep:
                keep(placed[1], outcome)

        if asked:
            self.ask_each(enumerate(asked), lambda placed: messages_of(placed[1]), done, max_tokens)
        return outcomes

    def ask_each[T](
        self,
        asked: Iterable[T | None],
        messages_of: Callable[[T], Messages],
        done: Callable[[T, Reply | Failure], None],
        max_tokens: int | None = None,
        follow: Callable[[T], None] | None = None,
    ) -> None:
        """Like `ask`, for any number of elements: each is taken when a request can be sent, and none is held longer.

        Args:
            asked: may grow while the call runs. None is no request; it gives other requests a turn.
            messages_of: makes the messages of one element, just before they are sent.
            done: called with each outcome as it comes, in any order. What it raises ends the call.
            max_tokens: the longest reply; None leaves it to the server.
            follow: called after `done` for work that takes milliseconds: for one element at a time, between the
                requests, so that the next one need not wait for it. What it raises ends the call.
        """
        if not self.stopped:
            asyncio.run(_Call(self, iter(asked), messages_of, max_tokens, done, follow).run())

    async def request(self, client: Any, messages: Messages, max_tokens: int | None) -> Reply | Failure:
        """Send one request, with retries."""
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if max_tokens is not None:
            body[self.name_of_max_tokens] = max_tokens
        body |= self.extras

        async def attempt() -> bytes:
            # The client's own method for this address copies all turns by their types: 1 ms a request.
            content: bytes = await client.post("/chat/completions", cast_to=bytes, body=body)
            return content

        try:
            reply = read_reply(await with_retries(attempt, self.connection))
        except RequestError as error:
            if REFUSED in body and error.status in PROMPT_AT_FAULT and INSTEAD in str(error):
                self.name_of_max_tokens = INSTEAD  # of all further requests
                return await self.request(client, messages, max_tokens)
            return self.count_failure(str(error), error.status)
        except ValueError as error:
            return self.count_failure(str(error))
        if not self.stopped:
            self.failures_in_a_row = 0
        return reply

    def count_failure(self, message: str, status: int | None = None) -> Failure:
        """Count a failed request and return its outcome."""
        failure = Failure(" ".join(self.connection.hide_secrets(message).split())[:LONGEST_MESSAGE])
        if self.stopped:  # by a request that ended at the same time
            return failure
        self.last_failure = failure.message
        self.failures_in_a_row += status not in PROMPT_AT_FAULT
        if status in self.lasting:
            self.why_stopped = f"no other reply can be expected: {failure.message}"
        elif self.failures_in_a_row >= self.give_up_after:
            self.why_stopped = f"{self.failures_in_a_row} failures in a row: {failure.message}"
        return failure


class _StoppedError(Exception):
    """Raised by one worker so that the others are cancelled."""


@dataclass
class _Call[T]:
    """One call of `Client.ask_each`: workers that take the next element as soon as they have a reply."""

    client: Client
    asked: Iterator[T | None]
    messages_of: Callable[[T], Messages]
    max_tokens: int | None
    done: Callable[[T, Reply | Failure], None]
    follow: Callable[[T], None] | None

    async def run(self) -> None:
        workers = self.client.connection.concurrency
        self._replied: asyncio.Queue[T | _Ended] = asyncio.Queue(workers)
        async with self.client.connection.client() as connected:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(workers):
                        group.create_task(self._work(connected))
                    if self.follow:
                        await self._follow(self.follow, workers, lambda: group.create_task(self._work(connected)))
            except ExceptionGroup as errors:
                raised = [error for error in errors.exceptions if not isinstance(error, _StoppedError)]
                if raised:
                    raise raised[0] from None

    async def _work(self, connected: Any) -> None:
        for one in self.asked:
            if one is None:
                await asyncio.sleep(0)
                continue
            outcome = await self.client.request(connected, self.messages_of(one), self.max_tokens)
            self.done(one, outcome)
            if self.client.stopped:
                raise _StoppedError
            if self.follow:
                await self._replied.put(one)
        if self.follow:
            await self._replied.put(_Ended())

    async def _follow(self, follow: Callable[[T], None], workers: int, start_worker: Callable[[], object]) -> None:
        """Call `follow` for each element that was replied to. It may have made `asked` longer: a worker that ended
        when nothing was left is then replaced."""
        working = workers
        while working:
            one = await self._replied.get()
            if isinstance(one, _Ended):
                working -= 1
                continue
            follow(one)
            if working < workers:
                working += 1
                start_worker()
            await asyncio.sleep(0)


class _Ended:
    """Put into the queue by a worker that found nothing left to ask."""


def read_reply(body: bytes) -> Reply:
    """Read a chat completion. Servers differ in what they call one, so nothing is taken for granted.

    Raises:
        ValueError: it is none.
    """
    try:
        reply: Any = json.loads(body)
        (choice,) = reply["choices"]
        message, reason = choice["message"], choice.get("finish_reason")
        text = message.get("refusal") or message.get("content")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        shown = body[:200].decode(errors="replace")
        raise ValueError(f"the reply is not a chat completion: {shown!r}") from None
    usage = reply.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Reply(
        text if isinstance(text, str) else None,
        reason if isinstance(reason, str) else None,
        _count(counts.get("prompt_tokens")),
        _count(counts.get("completion_tokens")),
    )


def _count(number: Any) -> int | None:
    return number if isinstance(number, int) else None


def _name_of_max_tokens(model: str) -> str:
    """OpenAI's reasoning models refuse `max_tokens`; other servers that do say so when they are asked."""
    return INSTEAD if re.match(r"(.*/)?(o\d|gpt-5)", model) else REFUSED
