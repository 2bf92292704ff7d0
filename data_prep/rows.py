"""The row contract: what a source yields, what a data set holds, and the checks between the two."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import pyarrow as pa

REASONS = {
    "missing_image": "the image file is not there, or its path leaves the image folder",
    "undecodable_image": "the image cannot be decoded",
    "image_too_large": "the image has more pixels than the bound allows",
    "no_pixels": "a DICOM file without pixel data",
    "image_count": "image placeholders and images differ in number, or a placeholder stands outside a user turn",
    "empty_answer": "an assistant turn without text",
    "empty_question": "a user or system turn without text or image",
    "unknown_role": "a role other than system, user and assistant",
    "turn_order": "turns do not alternate from user to assistant",
    "wrong_language": "the assistant's script is not that of the row's language",
    "duplicate": "an id that an earlier row has",
    "bad_json": "a line that is not a JSON object",
    "bad_row": "a field that is absent or of the wrong type",
}
"""Why a row is not written: the fixed names that the ledger uses."""

LANGUAGES = ("en", "ar")
_ARABIC = (("\u0600", "\u06ff"), ("\u0750", "\u077f"), ("\ufb50", "\ufdff"), ("\ufe70", "\ufefc"))


class Reject(ValueError):
    """A row cannot be used; `reason` is a key of REASONS and `detail` names the thing at fault."""

    def __init__(self, reason: str, detail: str) -> None:
        if reason not in REASONS:
            raise KeyError(f"{reason!r} is not a ledger reason; known: {', '.join(REASONS)}")
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Part(TypedDict):
    """A piece of a turn: text, or the place of an image (its text is then None)."""

    type: Literal["text", "image"]
    text: NotRequired[str | None]


class Message(TypedDict):
    """One turn."""

    role: str
    content: list[Part]


class Loaded(NamedTuple):
    """An encoded image file and how it was made (frame, window, crop); the note is empty for a file as it came."""

    data: bytes
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """An image of a source: a name that is unique in the source, and how to read it (may raise Reject)."""

    name: str
    load: Callable[[], Loaded]


@dataclass(frozen=True)
class Sample:
    """A row as a source yields it, its images not yet read."""

    id: str
    language: str
    task: str
    modality: str
    messages: list[Message]
    licence: str
    pictures: tuple[Picture, ...] = ()
    parent: str | None = None


@dataclass(frozen=True)
class Rejected:
    """A row that a source could not turn into a sample."""

    id: str
    reason: str
    detail: str


def text_part(text: str) -> Part:
    """A piece of text."""
    return {"type": "text", "text": text}


def image_part() -> Part:
    """The place of an image."""
    return {"type": "image", "text": None}


SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("task", pa.string()),
        ("modality", pa.string()),
        (
            "messages",
            pa.list_(
                pa.struct(
                    [
                        ("role", pa.string()),
                        ("content", pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))),
                    ]
                )
            ),
        ),
        ("images", pa.list_(pa.string())),
        ("parent", pa.string()),
        ("licence", pa.string()),
    ]
)
"""The columns of a shard. `images` holds keys of the image store, in the order of the image parts."""


def row(sample: Sample, source: str, keys: list[str]) -> dict[str, Any]:
    """The sample as a row of SCHEMA, its pictures replaced by their keys."""
    return {
        "id": sample.id,
        "source": source,
        "language": sample.language,
        "task": sample.task,
        "modality": sample.modality,
        "messages": sample.messages,
        "images": keys,
        "parent": sample.parent,
        "licence": sample.licence,
    }


def check(messages: list[Message], images: int, language: str) -> None:
    """Raise Reject unless the turns, the number of images and the language agree with each other."""
    _check_order([message["role"] for message in messages])
    parts = 0
    for number, message in enumerate(messages, start=1):
        here = sum(part["type"] == "image" for part in message["content"])
        parts += here
        if here and message["role"] != "user":
            raise Reject("image_count", f"turn {number} is the {message['role']}'s and has an image placeholder")
        if not here and not spoken([message]).strip():
            reason = "empty_answer" if message["role"] == "assistant" else "empty_question"
            raise Reject(reason, f"turn {number} ({message['role']}) is empty")
    if parts != images:
        raise Reject("image_count", f"{parts} image placeholders for {images} images")
    _check_language(spoken([message for message in messages if message["role"] == "assistant"]), language)


def _check_order(roles: list[str]) -> None:
    for role in roles:
        if role not in ("system", "user", "assistant"):
            raise Reject("unknown_role", f"{role!r}; known: system, user, assistant")
    turns = roles[1:] if roles[:1] == ["system"] else roles
    if not turns or len(turns) % 2 or turns != ["user", "assistant"] * (len(turns) // 2):
        raise Reject("turn_order", f"{' '.join(roles) or 'no turns'}; wanted: [system] user assistant ...")


def _check_language(answers: str, language: str) -> None:
    if language not in LANGUAGES:
        raise Reject("wrong_language", f"{language!r}; known: {', '.join(LANGUAGES)}")
    share = arabic_share(answers)
    if language == "ar" and share == 0:
        raise Reject("wrong_language", "an Arabic row whose answers have no Arabic letter")
    if language == "en" and share > 0.5:
        raise Reject("wrong_language", "an English row whose answers are mostly Arabic letters")


def spoken(messages: list[Message]) -> str:
    """The text of the messages, one line a part."""
    return "\n".join(part.get("text") or "" for message in messages for part in message["content"])


def arabic_share(text: str) -> float:
    """The share of Arabic letters among the letters of `text`: 0 to 1, and 0 when there is no letter."""
    letters = [letter for letter in text if letter.isalpha()]
    arabic = sum(any(low <= letter <= high for low, high in _ARABIC) for letter in letters)
    return arabic / len(letters) if letters else 0.0
