"""Ask a judge many questions at once, through inspect_ai's model interface.

Its model interface, not its eval(): that would write logs, traces and a sample buffer with every prompt under the
user's home folder, open a control socket, keep a second store beside the verdicts, and take Ctrl-C for itself.
Retries with growing waits after 429, 5xx, broken connections and time-outs are inspect_ai's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eval.errors import EvalError
from eval.judges.settings import JudgeSettings

if TYPE_CHECKING:
    from inspect_ai.model import Model, ModelUsage

GIVE_UP = 5
"""After so many questions in a row without a reply, the judge is taken for gone."""
UNBOUNDED = 1000
"""Connections that inspect_ai may open: it keeps its first bound for the whole process, so the bound is kept here."""
PROMPT_AT_FAULT = (400, 413, 422)
"""HTTP answers that say that one question is at fault, not the judge."""


@dataclass(frozen=True)
class Question:
    """One question to the judge; `key` names it."""

    key: str
    system: str
    text: str


@dataclass(frozen=True)
class Reply:
    """The judge's reply as it came, and its tokens, cached ones too; 0 where the server counts none."""

    reply: str
    stop_reason: str
    tokens_in: int
    tokens_out: int


Keep = Callable[[Question, Reply], None]


def ask(questions: Sequence[Question], settings: JudgeSettings, max_tokens: int | None, keep: Keep) -> list[str]:
    """Ask them all; `keep` is called with each reply as it comes. Return what was wrong, once a failed question.

    Raises:
        EvalError: the judge did not reply to several questions in a row. What was kept stays.
    """
    return asyncio.run(_Asking(settings, max_tokens, keep).all(questions))


class _Asking:
    def __init__(self, settings: JudgeSettings, max_tokens: int | None, keep: Keep) -> None:
        self.settings, self.max_tokens, self.keep = settings, max_tokens, keep
        self.failures: list[str] = []
        self.in_a_row = 0

    async def all(self, questions: Sequence[Question]) -> list[str]:
        waiting = iter(questions)
        async with self._model() as model:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self.settings.concurrency, len(questions))):
                        group.create_task(self._work(model, waiting))
            except* EvalError as errors:
                raise errors.exceptions[0] from None
        return self.failures

    def _model(self) -> Model:
        from inspect_ai.model import GenerateConfig, get_model

        config = GenerateConfig(
            temperature=self.settings.temperature,
            max_tokens=self.max_tokens,
            max_connections=UNBOUNDED,
            attempt_timeout=self.settings.timeout,
            timeout=self.settings.patience,
        )
        return get_model(
            f"openai-api/judge/{self.settings.model}",
            config=config,
            base_url=self.settings.base_url,
            api_key=self.settings.key(),
            memoize=False,  # a model belongs to the event loop that it was made in
            max_retries=0,  # the client's own retries, beside inspect_ai's
        )

    async def _work(self, model: Model, waiting: Iterator[Question]) -> None:
        for question in waiting:
            try:
                reply = await self._one(model, question)
            except Exception as error:  # of the network, the server, or a reply that is none: all are told
                self._failed(error)
            else:
                self.in_a_row = 0
                self.keep(question, reply)

    async def _one(self, model: Model, question: Question) -> Reply:
        from inspect_ai.model import ChatMessageSystem, ChatMessageUser

        messages: list[Any] = [ChatMessageSystem(content=question.system), ChatMessageUser(content=question.text)]
        output = await model.generate(messages)
        return Reply(output.completion, output.stop_reason, *_tokens(output.usage))

    def _failed(self, error: Exception) -> None:
        told = " ".join(str(error).split()).replace(self.settings.key(), "(the key)")[:300] or "no reason given"
        self.failures.append(f"{type(error).__name__}: {told}")
        if getattr(error, "status_code", None) not in PROMPT_AT_FAULT:
            self.in_a_row += 1
        if self.in_a_row >= GIVE_UP:
            raise EvalError(
                f"The judge {self.settings.model} at {self.settings.base_url} did not answer {self.in_a_row} questions "
                f"in a row ({self.failures[-1]}). Verdicts so far are kept; run the same command again to go on."
            )


def _tokens(usage: ModelUsage | None) -> tuple[int, int]:
    """Tokens in and out. inspect_ai takes those that the server had cached out of the input."""
    if usage is None:
        return 0, 0
    cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    return usage.input_tokens + cached, usage.output_tokens
