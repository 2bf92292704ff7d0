"""What kind of row a conversation is: its language, its task, its modality, and whether a mixture wants it."""

import re
from pathlib import Path
from typing import Any

from data_prep.rows import Message, Reject, said_by, spoken
from data_prep.sources.vqa import SHORT, task
from data_prep.text.language import arabic_share

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

_OPTIONS = re.compile(r"(?:^|[\s(])[Aaأا]\s?[.:)].+?[\s(][Bbب]\s?[.:)].+?[\s(][Ccجت]\s?[.:)]", re.DOTALL)
_MODALITIES = {"chest_xray": "x_ray", "ct_scan": "ct"}


def language_of(messages: list[Message]) -> str:
    """ "ar" or "en", by the script of most of the answers' letters.

    "B. CT" or "12" in answer to an Arabic question tells nothing of a language: there the question decides.
    """
    answers = said_by(messages, "assistant")
    if arabic_share(answers) > 0.5:
        return "ar"
    short = len(answers.split(None, SHORT)) <= SHORT
    return "ar" if short and arabic_share(spoken(messages)) > 0.5 else "en"


def is_multi(messages: list[Message]) -> bool:
    """Whether more than one question is asked."""
    return sum(message["role"] == "user" for message in messages) > 1


def task_of(messages: list[Message], images: bool) -> str:
    """The task of an instruction row: a conversation, a choice among options, or a question."""
    if is_multi(messages):
        return "conversation"
    if _OPTIONS.search(spoken(messages[:-1])):
        return "vqa_choice" if images else "text_choice"
    answer = spoken(messages[-1:])
    arabic_yes_no = answer.strip().rstrip(".،!") in ("نعم", "لا")
    return task(answer, closed=arabic_yes_no or None) if images else "text_qa"


def modality_of(domain: Any) -> str:
    """The modality of LLaVA-Med's `domain`, {"mri": true, ...}; "unknown" unless exactly one is true."""
    true = [name for name, is_it in domain.items() if is_it is True] if isinstance(domain, dict) else []
    return _MODALITIES.get(true[0], true[0]) if len(true) == 1 else "unknown"


def stage_of(path: str, stage: str) -> str:
    """ "align" or "instruct": as the mixture says, or else by the name of a released file."""
    if stage != "auto":
        return stage
    name = Path(path).name.lower()
    return "align" if "align" in name or "stage1" in name else "instruct"


def select(messages: list[Message], language: str, languages: list[str], turns: str) -> None:
    """Raise Reject (not_selected) for a language or a number of turns that the mixture leaves out."""
    if language not in languages:
        raise Reject("not_selected", f"language {language}; selected: {', '.join(languages)}")
    if turns != "any" and is_multi(messages) != (turns == "multi"):
        raise Reject("not_selected", f"turns: {'multi' if turns == 'single' else 'single'}; selected: {turns}")


def wrong_choices(key: str, values: list[str], known: tuple[str, ...]) -> list[str]:
    """Problems for `Source.problems` unless there are values and each is known."""
    unknown = [value for value in values if value not in known]
    found = [f"{key}: {value!r}; known: {', '.join(known)}" for value in unknown]
    return found if values else [f"{key}: an empty list selects no row; known: {', '.join(known)}"]
