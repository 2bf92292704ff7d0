"""The row contract: what a source yields, what a data set holds, and the checks between the two."""

from dataclasses import dataclass
from functools import lru_cache
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
    "not_selected": "a row that the mixture's keys do not ask for; counted, in no ledger",
    "broken_text": "text with lost or garbled characters",
    "placeholder": "an image placeholder or a chat template's token left inside the text",
    "refusal": "an assistant turn that refuses to answer",
    "leaked_caption": "an answer that speaks of the caption that its writer saw instead of the image",
    "identity": "a name, date of birth, record number or phone number",
    "duplicate_id": "an id that an earlier row has",
    "duplicate": "the same text on the same images as another row",
    "near_duplicate": "nearly the same text on the same images as another row",
    "benchmark": "a question of a benchmark, dropped as the mixture says",
    "over_quota": "more rows than the mixture asks for",
    "bad_json": "a line that is not a JSON object",
    "bad_row": "a field that is absent or of the wrong type",
}
"""Why a row is not written: the fixed names that the ledger uses."""

NOT_SELECTED = "not_selected"
LANGUAGES = ("en", "ar")


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
    """An encoded image file and how it was made (frame, window, crop); the note is empty for a file as it came.

    `file_sha256` is of the file that it was made from, in hex, and empty for a file as it came.
    """

    data: bytes
    note: str = ""
    file_sha256: str = ""


class Sample(NamedTuple):
    """A row as a source gives it, its images not yet read.

    Attributes:
        images: names of images, each standing for one image of the source, in the order of the image parts.
        group: what a split keeps together: the patient, or the image where no patient is known; empty for the
            images, or the row itself where there are none.
        parent: the id of the row that this one was rewritten or translated from.
    """

    id: str
    language: str
    task: str
    modality: str
    messages: list[Message]
    licence: str
    images: tuple[str, ...] = ()
    group: str = ""
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
    """The sample as a row of SCHEMA, its images replaced by their keys."""
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


def check(messages: list[Message], images: int) -> None:
    """Raise Reject unless the turns are in order, none is empty, and there are as many images as places for them."""
    _check_order(tuple([message["role"] for message in messages]))
    parts = 0
    for number, message in enumerate(messages, start=1):
        here = 0
        is_empty = True
        for part in message["content"]:
            if part["type"] == "image":
                here += 1
            elif is_empty and (text := part.get("text")):
                is_empty = text.isspace()
        parts += here
        if here and message["role"] != "user":
            raise Reject("image_count", f"turn {number} is the {message['role']}'s and has an image placeholder")
        if is_empty and not here:
            reason = "empty_answer" if message["role"] == "assistant" else "empty_question"
            raise Reject(reason, f"turn {number} ({message['role']}) is empty")
    if parts != images:
        raise Reject("image_count", f"{parts} image placeholders for {images} images")


@lru_cache(maxsize=1_000)
def _check_order(roles: tuple[str, ...]) -> None:
    for role in roles:
        if role not in ("system", "user", "assistant"):
            raise Reject("unknown_role", f"{role!r}; known: system, user, assistant")
    turns = roles[1:] if roles[:1] == ("system",) else roles
    if not turns or len(turns) % 2 or turns != ("user", "assistant") * (len(turns) // 2):
        raise Reject("turn_order", f"{' '.join(roles) or 'no turns'}; wanted: [system] user assistant ...")


def said_by(messages: list[Message], role: str) -> str:
    """The text of the turns of one role, one line a part."""
    return spoken([message for message in messages if message["role"] == role])


def spoken(messages: list[Message]) -> str:
    """The text of the messages, one line a part."""
    return "\n".join([part.get("text") or "" for message in messages for part in message["content"]])
