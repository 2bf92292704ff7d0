"""The labels of a row (task, modality, stage), and whether a mixture selects it."""

import re
from pathlib import Path
from typing import Any

from data_prep.rows import Message, Reject, text_of

STAGES = ("auto", "align", "instruct")
TURNS = ("any", "single", "multi")
TASKS = (
    "vqa_closed",
    "vqa_short",
    "vqa_open",
    "vqa_choice",
    "conversation",
    "caption",
    "report",
    "summary",
    "text_qa",
    "text_choice",
)
SHORT = 3
"""The most words of a short answer."""

_MARKS = ".:)"
_OPTIONS = re.compile(
    rf"(?:^|[\s(])[Aaأا]\s?[{_MARKS}].+?[\s(][Bbب]\s?[{_MARKS}].+?[\s(][Ccجت]\s?[{_MARKS}]", re.DOTALL
)
_MODALITIES = {"chest_xray": "x_ray", "ct_scan": "ct"}


def is_multi_turn(messages: list[Message]) -> bool:
    """Whether there is more than one question."""
    return sum(message["role"] == "user" for message in messages) > 1


def vqa_task(answer: str, closed: bool | None = None) -> str:
    """vqa_closed, vqa_short or vqa_open.

    `closed` is the source's own label; without one, a question is closed if its answer is yes or no.
    """
    if closed is None:
        closed = answer.strip().strip(".,!").casefold() in ("yes", "no")
    if closed:
        return "vqa_closed"
    return "vqa_short" if len(answer.split()) <= SHORT else "vqa_open"


def task_of(messages: list[Message], images: bool) -> str:
    """The task of an instruction row: conversation, multiple choice, or question answering."""
    if is_multi_turn(messages):
        return "conversation"
    if _has_options(text_of(messages[:-1])):
        return "vqa_choice" if images else "text_choice"
    answer = text_of(messages[-1:])
    arabic_yes_no = answer.strip().rstrip(".،!") in ("نعم", "لا")
    return vqa_task(answer, closed=arabic_yes_no or None) if images else "text_qa"


def _has_options(text: str) -> bool:
    marks = sum(map(text.count, _MARKS))  # counting is a hundred times as fast as searching
    return marks >= len("ABC") and bool(_OPTIONS.search(text))


def is_closed(answer_type: object) -> bool | None:
    """The label of an `answer_type` of CLOSED or OPEN, ignoring case and surrounding blanks; None for anything else."""
    return None if answer_type is None else {"CLOSED": True, "OPEN": False}.get(str(answer_type).strip().upper())


def modality_of(domain: Any) -> str:
    """The modality of LLaVA-Med's `domain`, {"mri": true, ...}; "unknown" unless exactly one is true."""
    true = [name for name, is_it in domain.items() if is_it is True] if isinstance(domain, dict) else []
    return _MODALITIES.get(true[0], true[0]) if len(true) == 1 else "unknown"


def snake_case(name: str) -> str:
    """A modality's name in snake case: "X-Ray" becomes x_ray, an empty name unknown."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unknown"


def stage_of(path: str, stage: str) -> str:
    """Return "align" or "instruct": `stage` unless it is auto, else by the name of the released file."""
    if stage != "auto":
        return stage
    name = Path(path).name.lower()
    return "align" if "align" in name or "stage1" in name else "instruct"


def select(messages: list[Message], language: str, languages: list[str], turns: str) -> None:
    """Raise Reject (not_selected) if the mixture does not select this language or this number of turns."""
    if language not in languages:
        raise Reject("not_selected", f"language {language}; selected: {', '.join(languages)}")
    if turns != "any" and is_multi_turn(messages) != (turns == "multi"):
        raise Reject("not_selected", f"turns: {'multi' if turns == 'single' else 'single'}; selected: {turns}")


def wrong_choices(key: str, values: list[str], known: tuple[str, ...]) -> list[str]:
    """Problems for `Source.problems` if a value is unknown or there is none."""
    unknown = [value for value in values if value not in known]
    found = [f"{key}: {value!r}; known: {', '.join(known)}" for value in unknown]
    return found if values else [f"{key}: an empty list selects no row; known: {', '.join(known)}"]
