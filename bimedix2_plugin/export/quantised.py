"""Quantised files of the language model: whether llama.cpp can use them, and how much of the answers they keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bimedix2_plugin.export.comparison import compare
from bimedix2_plugin.export.proof import questions
from bimedix2_plugin.export.reference import Reference
from bimedix2_plugin.export.server import ServerError, serving


@dataclass(frozen=True)
class Quantised:
    """A quantised file beside the checkpoint. That its answers are others is not a problem but its price.

    Attributes:
        file: its name.
        size: in bytes.
        tokens: number of greedy tokens equal to the checkpoint's, of each answer up to the first that is another.
        of: number of the checkpoint's.
        problem: why it cannot be used, or "".
    """

    file: str
    size: int
    tokens: int
    of: int
    problem: str = ""


def measure(file: Path, mmproj: Path | None, reference: Reference, work: Path, image_tokens: int) -> Quantised:
    """Serve a quantised file and count; without mmproj, only in answers to texts.

    Args:
        file: the quantised language model.
        mmproj: the vision part's.
        reference: what the checkpoint computes.
        work: folder for the server's log.
        image_tokens: of one image.
    """
    asked, answers, longest = questions(reference, image_tokens if mmproj else None)
    size, of = file.stat().st_size, sum(len(answer.ids) for answer in answers)
    try:
        with serving(file, mmproj, work, longest) as server:
            compared = compare(server, asked, answers, reference)
    except ServerError as error:
        return Quantised(file.name, size, 0, of, f"llama.cpp failed: {error}")
    speaks = any(set(answer.ids) - reference.specials for answer in answers)
    silent = speaks and all(result.empty for result in compared)
    problem = "its answers are empty, those of the checkpoint are not" if silent else ""
    return Quantised(file.name, size, sum(result.tokens for result in compared), of, problem)
