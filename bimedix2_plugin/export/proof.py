"""Serves exported files and says whether they agree with the checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bimedix2_plugin.export.comparison import Compared, EmbeddingError, compare, embedding_error
from bimedix2_plugin.export.probes import Probe
from bimedix2_plugin.export.reference import NEW_TOKENS, Answer, Reference
from bimedix2_plugin.export.server import ServerError, serving

# Where a build does not show the embeddings, the answers to images must agree this well (nats).
_LOG_PROBABILITY = 0.05
_SPARE_TOKENS = 512


@dataclass(frozen=True)
class Proof:
    """How an export compares with its checkpoint.

    Attributes:
        probes: the questions' results.
        embeddings: of a prepared image; None without images, or where the build does not show them.
        raw: of an image sent as it is.
        problem: why it does not agree, or "".
    """

    probes: list[Compared]
    embeddings: EmbeddingError | None = None
    raw: EmbeddingError | None = None
    problem: str = ""

    def figures(self) -> dict[str, Any]:
        """Return what was measured, for a JSON file."""
        return {name: value for name, value in asdict(self).items() if name != "problem"}


def prove(model: Path, mmproj: Path | None, reference: Reference, work: Path, image_tokens: int) -> Proof:
    """Serve the files and compare; without mmproj, only texts.

    Args:
        model: the language model's file.
        mmproj: the vision part's.
        reference: what the checkpoint computes.
        work: folder for the server's log.
        image_tokens: of one image.
    """
    asked, answers, longest = questions(reference, image_tokens if mmproj else None)
    try:
        with serving(model, mmproj, work, longest) as server:
            embeddings = raw = None
            if mmproj:
                assert reference.embeddings is not None and reference.raw is not None
                prepared = next(probe.images[0] for probe in asked if probe.images)
                embeddings = embedding_error(server, reference.embeddings, prepared)
                if embeddings and not embeddings.passed:
                    return Proof([], embeddings, problem=f"its embeddings of an image are {embeddings}")
                raw = embedding_error(server, reference.embeddings, reference.raw)
            compared = compare(server, asked, answers, reference)
    except ServerError as error:
        return Proof([], problem=f"llama.cpp failed: {error}")
    return Proof(compared, embeddings, raw, _problem(compared, shown=embeddings is not None or not mmproj))


def questions(reference: Reference, image_tokens: int | None) -> tuple[list[Probe], list[Answer], int]:
    """Return the probes, their answers, and a bound of the longest conversation's tokens; without images if None."""
    kept = [number for number, probe in enumerate(reference.probes) if image_tokens is not None or not probe.images]
    asked = [reference.probes[number] for number in kept]
    answers = [reference.answers[number] for number in kept]
    pairs = zip(asked, answers, strict=True)
    return asked, answers, max(_tokens(probe, answer.prompt, image_tokens or 0) for probe, answer in pairs)


def _tokens(probe: Probe, prompt: str, image_tokens: int) -> int:
    """Bound the length of a probe: no tokenizer makes more tokens than a text has bytes."""
    return len(prompt.encode()) + len(probe.images) * image_tokens + NEW_TOKENS + _SPARE_TOKENS


def _problem(compared: list[Compared], *, shown: bool) -> str:
    for result in compared:
        if result.problem:
            return f"{result.name}: {result.problem}"
        if not shown and result.difference > _LOG_PROBABILITY:
            return f"{result.name}: log-probabilities of the answer differ by {result.difference:.2f}"
    return ""
