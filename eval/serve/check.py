"""Compares a server with a checkpoint: the tokens of its prompts, and its greedy answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data_prep.llm.connection import Connection
from eval.engines.openai_engine import Server, messages_of
from eval.errors import EvalError
from eval.model import VERIFIED
from eval.serve.probes import Probe
from eval.serve.reference import NEW_TOKENS, Answer

TIES = {"float32": 0.05}
COARSE_TIE = 0.25
"""In 16 bits, logits have steps of an eighth."""


def check_prompts(server: Server, asked: Sequence[Probe]) -> None:
    """Compare the server's tokens of the probes with those of the checkpoint's own processor.

    Raises:
        EvalError: they differ, or the server does not tell them.
    """
    found = server.prompt_tokens(asked)
    if found != VERIFIED:
        raise EvalError(
            f"{server.connection.public_url} does not serve the prompts of training ({found}). Give vLLM the chat "
            "template that the model was trained with: --chat-template-file."
        )


def check_answers(
    connection: Connection, model: str, asked: Sequence[Probe], expected: Sequence[Answer], dtype: str
) -> list[str]:
    """Compare the server's greedy answers to the probes with those of transformers.

    Where the server takes another token whose log-probability is nearly the same, rounding decides, and the comparison
    of that answer ends there.

    Returns:
        One line for each probe.

    Raises:
        EvalError: an answer differs by more than rounding, or the server refuses a probe.
    """
    tie = TIES.get(dtype, COARSE_TIE)
    lines = []
    for (item, images), answer in zip(asked, expected, strict=True):
        ids = _ask(connection, model, {"messages": messages_of(item, images)})
        place = first_difference(ids, answer.ids)
        if place is None:
            lines.append(f"{item.id}: the {len(ids)} tokens of transformers")
        elif is_tie(ids, answer, place, tie):
            lines.append(f"{item.id}: the first {place} tokens of transformers, then two that are as likely")
        else:
            raise EvalError(
                f"{connection.public_url}: {item.id} is answered with other tokens than transformers' from token "
                f"{place + 1} on. The prompts are the same, so the weights, the precision or the images are not: "
                "compare the versions of vLLM and transformers, or serve with --dtype float32."
            )
    return lines


def first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    """Return the first place at which two answers differ, or at which only one goes on; None if they are the same."""
    if list(one) == list(other):
        return None
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def is_tie(ids: Sequence[int], answer: Answer, place: int, tie: float) -> bool:
    """Whether transformers finds the server's token at a place less than `tie` nats less likely than its own."""
    if place >= min(len(ids), len(answer.ids)):
        return False
    found = answer.likeliest[place]
    return found[answer.ids[place]] - found.get(ids[place], float("-inf")) < tie


def _ask(connection: Connection, model: str, request: dict[str, Any]) -> list[int]:
    import openai

    # vLLM takes what is not asked for from the checkpoint's generation_config.json, a repetition penalty, too.
    more = {"return_token_ids": True, "repetition_penalty": 1.0}
    with connection.sync_client() as client:
        try:
            reply = client.chat.completions.create(
                model=model, temperature=0, max_tokens=NEW_TOKENS, extra_body=more, **request
            )
            return [int(token) for token in reply.choices[0].token_ids]
        except (openai.OpenAIError, AttributeError, IndexError, TypeError) as error:
            told = " ".join(connection.hide_secrets(f"{type(error).__name__}: {error}").split())[:300]
            raise EvalError(f"{connection.public_url}: the server does not answer a question. {told}") from None
