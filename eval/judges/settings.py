"""Which model judges, where it is, and how it is asked."""

from __future__ import annotations

import os
from dataclasses import dataclass

from eval.errors import EvalError

SERVERS_OWN = "server"
"""A temperature that is left to the server."""
OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True)
class JudgeSettings:
    """A judge and the way to ask it. The key itself is in no field: it is read where it is used, and kept nowhere.

    Attributes:
        model: the model's name, as its server knows it.
        base_url: the server, up to and with /v1.
        api_key_variable: the environment variable that holds the key.
        repeats: how often each answer is judged; more than once is a score of its own.
        swap: whether pairs of answers are judged in both orders too; a score of its own.
        concurrency: how many questions are under way at once.
        timeout: seconds that one attempt may take.
        patience: seconds after which no attempt at one question is made any more.
        temperature: of the judge; None leaves it to the server, for models that accept none.
        price_in, price_out: for a million tokens, in any currency; without them only tokens are told.
    """

    model: str
    base_url: str = OPENAI
    api_key_variable: str = "OPENAI_API_KEY"
    repeats: int = 1
    swap: bool = False
    concurrency: int = 8
    timeout: int = 60
    patience: int = 300
    temperature: float | None = 0.0
    price_in: float | None = None
    price_out: float | None = None

    def check(self) -> None:
        """Find what keeps the judge from being asked, before anything else is done.

        Raises:
            EvalError: no key, no model, or a number that cannot be; all of it together.
        """
        problems = [] if self.model else ["no model: name one with --judge-model"]
        if not self.base_url.startswith(("http://", "https://")):
            problems.append(f"--judge-base-url {self.base_url!r} is no address; it looks like {OPENAI}")
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

    def key(self) -> str:
        """Return the key out of the environment."""
        return os.environ[self.api_key_variable].strip()
