"""What judging costs: estimated before from the length of the texts, counted after from the replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.judges.client import Question, Reply
from eval.judges.settings import JudgeSettings

ASCII_A_TOKEN, OTHER_A_TOKEN = 4, 2
"""Characters that a token is taken to hold. Arabic costs about twice the tokens of English."""


@dataclass
class Usage:
    """Tokens sent and received."""

    tokens_in: int = 0
    tokens_out: int = 0

    def add(self, reply: Reply) -> None:
        """Count a reply."""
        self.tokens_in += reply.tokens_in
        self.tokens_out += reply.tokens_out

    def told(self, settings: JudgeSettings) -> str:
        """Tokens, and their price where it is known."""
        tokens = f"{self.tokens_in:,} tokens in, {self.tokens_out:,} out"
        if settings.price_in is None or settings.price_out is None:
            return f"{tokens}; no prices given (--judge-price-in, --judge-price-out, per million tokens)"
        cost = (self.tokens_in * settings.price_in + self.tokens_out * settings.price_out) / 1e6
        return f"{tokens}: {cost:.2f} at {settings.price_in:g} in and {settings.price_out:g} out per million tokens"


def estimated(questions: Sequence[Question], reply_tokens: int) -> Usage:
    """A rough guess at the tokens, with `reply_tokens` for every reply."""
    tokens_in = sum(tokens_of(question.system) + tokens_of(question.text) for question in questions)
    return Usage(tokens_in, reply_tokens * len(questions))


def tokens_of(text: str) -> int:
    """About how many tokens a text is."""
    ascii_characters = sum(character.isascii() for character in text)
    return round(ascii_characters / ASCII_A_TOKEN + (len(text) - ascii_characters) / OTHER_A_TOKEN)
