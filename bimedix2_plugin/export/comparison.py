"""Whether the exported files say what the checkpoint says: the embeddings of an image, prompts, greedy answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.export.probes import Probe
from bimedix2_plugin.export.reference import NEW_TOKENS, Answer, Reference
from bimedix2_plugin.export.server import Server, ServerError
from bimedix2_plugin.model.placeholder import PLACEHOLDER

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

MEAN_ERROR, WORST_ERROR = 0.005, 0.01  # relative, of all embeddings together and of the worst one
_MARKER = re.compile(r"<__media_[^>]*__>")


@dataclass(frozen=True)
class EmbeddingError:
    """How far the server's embeddings of an image are from transformers', relative to their length.

    Attributes:
        mean: of all together (norm of the difference by norm).
        worst: of the worst of them.
    """

    mean: float
    worst: float

    @property
    def passed(self) -> bool:
        """Whether both are within the limits."""
        return self.mean <= MEAN_ERROR and self.worst <= WORST_ERROR

    def __str__(self) -> str:
        return f"{100 * self.mean:.2f}% off transformers' (worst one {100 * self.worst:.2f}%)"


@dataclass(frozen=True)
class Compared:
    """One probe's result.

    Attributes:
        name: of the probe.
        tokens: number of equal tokens.
        difference: largest difference of their log-probabilities.
        problem: what is different, or "".
        empty: whether the server's answer has special tokens only, or none.
    """

    name: str
    tokens: int
    difference: float
    problem: str
    empty: bool = False


def embedding_error(server: Server, reference: torch.Tensor, image: Image) -> EmbeddingError | None:
    """Compare the embeddings of an image as the server gets it; None where the build does not show them.

    Args:
        server: with the exported model.
        reference: [tokens, H].
        image: as it is sent.

    Raises:
        ServerError: the server refused the image or ended.
    """
    import numpy as np
    import torch

    server.dump.unlink(missing_ok=True)
    question: list[dict[str, Any]] = [{"type": "image"}, {"type": "text", "text": "?"}]
    _ask(server, Probe("", [{"role": "user", "content": question}], [image]), 1, None)
    if not server.dump.is_file():
        return None
    values = np.fromfile(server.dump, dtype=np.float32)
    surplus = values.size - reference.numel()
    if surplus not in (0, 2):  # later builds put the two sizes in front
        raise ServerError(f"an image has {values.size} values, {reference.numel()} in transformers")
    difference = torch.from_numpy(values[surplus:].copy()).reshape(reference.shape) - reference
    rows = difference.norm(dim=-1) / reference.norm(dim=-1)
    return EmbeddingError(float(difference.norm() / reference.norm()), float(rows.max()))


def compare(server: Server, probes: list[Probe], answers: list[Answer], reference: Reference) -> list[Compared]:
    """Ask the server these probes and compare prompts and tokens.

    Raises:
        ServerError: the server refused a question or ended.
    """
    return [_compared(server, probe, answer, reference) for probe, answer in zip(probes, answers, strict=True)]


def _compared(server: Server, probe: Probe, answer: Answer, reference: Reference) -> Compared:
    rendered = server.post("/apply-template", {"messages": probe.messages()})["prompt"]
    rendered = _MARKER.sub(PLACEHOLDER, rendered)
    if rendered != answer.prompt:
        return Compared(probe.name, 0, 0.0, f"the prompt is {rendered!r}, in transformers {answer.prompt!r}")
    answered = _ask(server, probe, NEW_TOKENS, reference.placeholder)
    # Where a token ends in the middle of a letter, only the first of these two lists has it.
    tokens, shown = answered["__verbose"]["tokens"], (answered["choices"][0]["logprobs"] or {}).get("content", [])
    problem, equal = _first_difference(tokens, answer, reference)
    difference = 0.0
    if len(shown) == len(tokens):
        pairs = zip(answer.log_probabilities, shown[:equal], strict=False)
        difference = max((abs(float(row[step["id"]]) - step["logprob"]) for row, step in pairs), default=0.0)
    return Compared(probe.name, equal, difference, problem, empty=not set(tokens) - reference.specials)


def _first_difference(tokens: list[int], answer: Answer, reference: Reference) -> tuple[str, int]:
    """Return what is wrong with a server's answer, if anything, and the number of equal tokens before that."""
    for number, (theirs, ours) in enumerate(zip(tokens, answer.ids, strict=False)):
        if theirs != ours:
            row = answer.log_probabilities[number]
            gap = float(row[ours] - row[theirs])
            problem = f"token {number + 1} is {theirs}, in transformers {ours} by {gap:.2f} nats"
            return "" if gap < reference.tie else problem, number
    if len(tokens) > len(answer.ids):
        return "transformers' answer ends earlier", len(answer.ids)
    # llama.cpp ends at each token that could end a turn, transformers at those of the generation's configuration.
    early = len(tokens) < len(answer.ids) and not (tokens and tokens[-1] in reference.specials)
    return "its answer ends earlier" if early else "", len(tokens)


def _ask(server: Server, probe: Probe, tokens: int, placeholder: int | None) -> dict[str, Any]:
    body = {
        "messages": probe.messages(),
        "max_tokens": tokens,
        "temperature": 0,
        "logprobs": True,
        "cache_prompt": False,
        "return_tokens": True,
        "verbose": True,
    }
    if placeholder is not None:
        body["logit_bias"] = [[placeholder, False]]
    return server.post("/v1/chat/completions", body)
