"""The row contract: the samples of a source, the rows of a dataset, and the checks between the two."""

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
    "too_long": "a text with more characters than the bound allows",
    "refusal": "an assistant turn that refuses to answer",
    "leaked_caption": "an answer that speaks of the caption that its writer saw instead of the image",
    "identity": "a name, date of birth, record number or phone number",
    "duplicate_id": "an id that an earlier row has",
    "duplicate": "the same text on the same images as another row",
    "near_duplicate": "nearly the same text on the same images as another row",
    "benchmark": "a question of a benchmark, dropped as the mixture says",
    "over_quota": "more rows than the mixture asks for",
    "bad_json": "a line that is not a JSON object",
    "no_reply": "no reply from the model's server, after all attempts",
    "cut_reply": "a reply that ends at the longest length, twice",
    "empty_reply": "a reply without text, twice",
    "bad_reply": "a reply in another format than the one asked for, twice",
    "turns": "a reply with another number of turns than the row, twice",
    "language": "a made text in another language than the one asked for",
    "numbers": "a made text whose numbers are not those of its source",
    "units": "a translation with another unit of measurement",
    "options": "a translation with other option letters, or with options exchanged",
    "polarity": "a made text that says the opposite, such as yes for no",
    "negation": "a translation that loses or adds a negation",
    "sides": "a made text that says another side, left or right, than its source",
    "drugs": "a translation with another drug, dose form or route",
    "terms": "a translation without the glossary's terms",
    "untranslated": "a translation with words left in the source's language",
    "transliterated": "a translation that spells words by their sound only",
    "length_ratio": "a made text far shorter or longer than its source",
    "sentences": "a translation with sentences lost or added",
    "remarks": "a made text with remarks about the task",
    "back_translation": "a translation that says something else when it is translated back",
    "similarity": "a translation whose sentence embedding is far from that of its source",
    "answer_lost": "a full answer without the short one",
    "new_terms": "a made text with findings that its writer was not told",
    "prompt_echo": "a made text that repeats the prompt",
    "needs_review": "a row that no reviewer has accepted",
    "rejected_in_review": "a row in which a reviewer found a major error and corrected nothing",
    "bad_row": "a field that is absent or of the wrong type",
}
"""Why a row is not written: the reasons in the ledger, and their meanings."""

NOT_SELECTED = "not_selected"
LANGUAGES = ("en", "ar")


class Reject(ValueError):
    """A row that cannot be used; `reason` is a key of REASONS, and `detail` names what is wrong."""

    def __init__(self, reason: str, detail: str) -> None:
        if reason not in REASONS:
            raise KeyError(f"{reason!r} is not a ledger reason; known: {', '.join(REASONS)}")
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Part(TypedDict):
    """A part of a turn: text, or the position of an image (its text is then None)."""

    type: Literal["text", "image"]
    text: NotRequired[str | None]


class Message(TypedDict):
    """One turn."""

    role: str
    content: list[Part]


class Generator(TypedDict):
    """What made a row: the model's name, the sha256 of the file of its prompt, and the ISO date of its reply."""

    model: str
    prompt: str
    date: str


class Loaded(NamedTuple):
    """An encoded image file, with a note on how it was converted (frame, window, crop).

    `file_sha256` is the hash of the original file in hex. Both are empty for a file that was not converted.
    """

    data: bytes
    note: str = ""
    file_sha256: str = ""


class Sample(NamedTuple):
    """A row of a source, before its images are read.

    Attributes:
        images: names of images of the source, in the order of the image parts.
        group: rows of one group stay in one split: the patient, or the image if no patient is known. If empty, the
            images are the group, or the row itself if it has none.
        parent: the id of the row that this one was rewritten or translated from.
        generator: what made the row; None if a person did.
        split: the split that holds the row out in the dataset that it is read from; None if it is free for training.
            Without a rule that names the row and without `into`, it stays there.
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
    generator: Generator | None = None
    split: str | None = None


@dataclass(frozen=True)
class Rejected:
    """A row that could not be turned into a sample; `parent` and `group` are a sample's, where they could be read."""

    id: str
    reason: str
    detail: str
    parent: str | None = None
    group: str | None = None


def text_part(text: str) -> Part:
    """A part with text."""
    return {"type": "text", "text": text}


def image_part() -> Part:
    """A part that marks the position of an image."""
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
        ("generator", pa.struct([("model", pa.string()), ("prompt", pa.string()), ("date", pa.string())])),
        ("licence", pa.string()),
    ]
)
"""The columns of a shard. `images` holds keys of the image store, in the order of the image parts; `generator` is null
for a row that no model made."""


def row(sample: Sample, source: str, keys: list[str]) -> dict[str, Any]:
    """The sample as a row of SCHEMA; `keys` are its images' keys in the store."""
    return {
        "id": sample.id,
        "source": source,
        "language": sample.language,
        "task": sample.task,
        "modality": sample.modality,
        "messages": sample.messages,
        "images": keys,
        "parent": sample.parent,
        "generator": sample.generator,
        "licence": sample.licence,
    }


def check(messages: list[Message], images: int) -> None:
    """Raise Reject unless the turns alternate, none is empty, and there are as many image parts as images."""
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


def check_length(messages: list[Message], bound: int, key: str = "max_characters") -> None:
    """Raise Reject (too_long) if the texts of a row have more than `bound` characters together; `key` sets it."""
    characters = sum([len(part.get("text") or "") for message in messages for part in message["content"]])
    if characters > bound:
        raise Reject("too_long", f"{characters} characters of text, at most {bound}; the bound is `{key}`")


def text_by_role(messages: list[Message], role: str) -> str:
    """The text of the turns of one role, one line per part."""
    return text_of([message for message in messages if message["role"] == role])


def text_of(messages: list[Message]) -> str:
    """The text of the messages, one line per part."""
    return "\n".join([part.get("text") or "" for message in messages for part in message["content"]])
