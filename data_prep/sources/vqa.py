"""What the readers of questions and captions on one image have in common."""

import re
from pathlib import Path

from data_prep.rows import Message, Reject
from data_prep.sources.base import conversation

SHORT = 3
"""Up to so many words an open answer is short."""


def task(answer: str, closed: bool | None = None) -> str:
    """vqa_closed, vqa_short or vqa_open.

    `closed` is what the source says of the question; where it says nothing, closed is what yes or no answers.
    """
    if closed is None:
        closed = answer.strip().strip(".,!").casefold() in ("yes", "no")
    if closed:
        return "vqa_closed"
    return "vqa_short" if len(answer.split()) <= SHORT else "vqa_open"


def says_closed(answer_type: object) -> bool | None:
    """What an `answer_type` of CLOSED or OPEN says, in any case and with blanks around; None for anything else."""
    return None if answer_type is None else {"CLOSED": True, "OPEN": False}.get(str(answer_type).strip().upper())


def snake(name: str) -> str:
    """A modality as the rows have it: "X-Ray" is x_ray, and no name is unknown."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unknown"


def asked(question: str, answer: str) -> list[Message]:
    """The two turns on one image. Raises Reject: empty_question or empty_answer."""
    if not question.strip():
        raise Reject("empty_question", "the question has no text")
    if not answer.strip():
        raise Reject("empty_answer", "the answer has no text")
    return conversation([question.strip(), answer.strip()], images=1)


def article(figure: str) -> str:
    """The article of PubMed Central that a figure is from ("PMC12_Fig3.jpg": PMC12): its figures share patients."""
    found = re.match(r"PMC\d+", Path(figure).name)
    return found.group() if found else figure


def first_there(folder: Path, names: tuple[str, ...]) -> Path:
    """The first of these files and folders that is there, or else the last of them."""
    return next((folder / name for name in names if (folder / name).exists()), folder / names[-1])
