"""The judge: which model it is, where it is, and how it is asked many questions at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data_prep.llm import client as llm
from data_prep.llm.connection import OPENAI_KEY, OPENAI_URL, Connection, is_address
from eval.errors import EvalError

SERVERS_OWN = "server"
"""A temperature that is left to the server."""
GIVE_UP = 5
"""After this many questions in a row without a reply, the judge is considered gone, whatever the HTTP status."""


@dataclass(frozen=True)
class JudgeSettings:
    """A judge and the way to ask it. No field holds the key: it is read from the environment when it is used.

    Attributes:
        model: the model's name, as its server knows it.
        base_url: the server, /v1 included.
        api_key_variable: the environment variable that holds the key.
        repeats: how often each answer is judged; more than once gives a score of its own.
        swap: whether pairs of answers are judged in both orders; gives a score of its own.
        concurrency: questions in flight at a time.
        timeout: seconds that one attempt may take.
        patience: seconds after which a question is not tried again.
        temperature: of the judge; None leaves it to the server, for models that accept none.
        price_in, price_out: per million tokens, in any currency; without them only tokens are reported.
    """

    model: str
    base_url: str = OPENAI_URL
    api_key_variable: str = OPENAI_KEY
    repeats: int = 1
    swap: bool = False
    concurrency: int = 8
    timeout: int = 60
    patience: int = 300
    temperature: float | None = 0.0
    price_in: float | None = None
    price_out: float | None = None

    def check(self) -> None:
        """Find what prevents the judge from being asked, before anything else is done.

        Raises:
            EvalError: no key, no model, or a number out of range; all problems together.
        """
        problems = [] if self.model else ["no model: name one with --judge-model"]
        if not is_address(self.base_url):
            problems.append(f"--judge-base-url {self.base_url!r} is no address; it looks like {OPENAI_URL}")
        for name in ("repeats", "concurrency", "timeout", "patience"):
            if getattr(self, name) < 1:
                problems.append(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not os.environ.get(self.api_key_variable, "").strip():
            problems.append(
                f"no key in the environment variable {self.api_key_variable}: export it first "
                "(any word will do for a server that asks for none)"
            )
        if problems:
            raise EvalError(f"The judge cannot be asked. {'; '.join(problems)}.")

    def connection(self) -> Connection:
        """Return the connection, with the key from the environment."""
        key = os.environ[self.api_key_variable].strip()
        return Connection(self.base_url, key, self.concurrency, self.timeout, retries=None, patience=self.patience)

    @property
    def public_url(self) -> str:
        """The server's address without user name, password and query."""
        return Connection(self.base_url).public_url


@dataclass(frozen=True)
class Question:
    """One question to the judge; `key` identifies it."""

    key: str
    system: str
    text: str


@dataclass(frozen=True)
class Reply:
    """The judge's reply as a verdict keeps it. Token counts are 0 where the server does not count."""

    reply: str
    stop_reason: str
    tokens_in: int
    tokens_out: int


Keep = Callable[[Question, Reply], None]


def ask(questions: Sequence[Question], settings: JudgeSettings, max_tokens: int | None, keep: Keep) -> list[str]:
    """Ask all questions; `keep` is called with each reply as it comes. Return why questions failed, one text each.

    Raises:
        EvalError: the judge did not reply to several questions in a row. Replies so far were kept.
    """
    client = llm.Client(
        settings.connection(),
        settings.model,
        temperature=settings.temperature,
        give_up_after=GIVE_UP,
        lasting=frozenset(),  # a judge's server may refuse one question and answer the next
    )
    outcomes = client.ask(questions, _messages_of, max_tokens, lambda question, reply: keep(question, _reply_of(reply)))
    if client.stopped:
        raise EvalError(
            f"The judge {settings.model} at {settings.public_url} did not answer {client.failures_in_a_row} questions "
            f"in a row ({client.last_failure}). Verdicts so far are kept; run the same command again to go on."
        )
    return [outcome.message for outcome in outcomes if isinstance(outcome, llm.Failure)]


def _messages_of(question: Question) -> llm.Messages:
    system = [{"role": "system", "content": question.system}] if question.system else []
    return [*system, {"role": "user", "content": question.text}]


def _reply_of(reply: llm.Reply) -> Reply:
    """Reasoning that a server left in the text is removed: the protocols read the first line of the answer."""
    text = reply.text or ""
    without_reasoning = re.sub(r"<think[^>]*>.*?</think>", "", text, count=1, flags=re.DOTALL)
    text = text if without_reasoning == text else without_reasoning.strip()
    return Reply(text, _stop_reason(reply.finish_reason), reply.tokens_in or 0, reply.tokens_out or 0)


def _stop_reason(finish_reason: str | None) -> str:
    """The words of verdicts files; they are those of the files that exist."""
    words = {"length": "max_tokens", "eos": "stop", "function_call": "tool_calls"}
    known = {"stop", "max_tokens", "model_length", "tool_calls", "content_filter"}
    word = words.get(finish_reason or "", finish_reason or "")
    return word if word in known else "unknown"
