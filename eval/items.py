"""An item, the prediction that answers it, and a file of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from eval.errors import EvalError

Part = dict[str, str]
Message = dict[str, Any]
Header = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One question with the reference history before it.

    `id` is unique in its run; in a dataset it is ROW#TURN, where TURN counts the row's assistant turns from 0.
    `messages` ends with the user turn to answer; its image parts stand for `images`, in order: keys of a dataset's
    image store, or names that a benchmark reads. `gold` is the reference answer. `facts` is what else a scorer or a
    judge needs; it is copied into the prediction.
    """

    id: str
    language: str
    task: str
    modality: str
    messages: tuple[Message, ...]
    images: tuple[str, ...]
    question: str
    gold: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer to one item: a line of a predictions file, whose keys are these fields.

    Attributes:
        benchmark: where the item comes from, a benchmark or a split of a dataset.
        item: the item's id; `language`, `task`, `modality`, `question`, `gold` and `facts` are the item's too.
        prompt: as it was sent.
        images: the names of the images that were shown; `image_hashes` are the hashes of their files.
        output: the answer.
        finish_reason: why generation ended.
        tokens: generated before the end token; None where a server does not say.
        seconds: the item's share of its batch's time.
        error: why there is no answer; such an item is unscored, and asked again by the next run.
    """

    benchmark: str = ""
    item: str
    language: str
    task: str
    modality: str = ""
    question: str = ""
    prompt: str = ""
    images: list[str] = field(default_factory=list)
    image_hashes: list[str] = field(default_factory=list)
    output: str
    finish_reason: str = ""
    tokens: int | None = None
    seconds: float = 0.0
    gold: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def of(cls, item: Item, **answer: Any) -> Prediction:
        """The prediction that answers an item; `answer` are the fields that the item does not give."""
        fields_of_item = ("language", "task", "modality", "question", "gold")
        known = {name: getattr(item, name) for name in fields_of_item}
        return cls(**{"item": item.id, "facts": dict(item.facts), **known, **answer})

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Prediction:
        """Read one JSON object of a file. Raises TypeError where a key without a default is missing."""
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})

    def record(self) -> dict[str, Any]:
        """The JSON object of a file, `error` only where there is one."""
        record = asdict(self)
        return record if self.error else {key: value for key, value in record.items() if key != "error"}

    def value_of(self, key: str) -> str:
        """The value by which predictions are grouped: of a field, else of a fact, else empty."""
        return str(getattr(self, key) if key in self.__dataclass_fields__ else self.facts.get(key, ""))


@dataclass(frozen=True)
class Predictions:
    """One predictions file: `name` is its stem, `header` describes the run."""

    name: str
    header: Header
    lines: list[Prediction]


def text_of(message: Message) -> str:
    """Join the text parts of a message, one a line."""
    return "\n".join(part["text"] for part in message["content"] if part["type"] == "text")


def check_items(items: Sequence[Item], where: str) -> None:
    """Check what every scorer relies on.

    Raises:
        EvalError: no item, an item without id, a duplicate id, or a different number of image parts and images.
    """
    if not items:
        raise EvalError(f"{where}: there is no item to ask. Get its files again.")
    seen: dict[str, int] = {}
    for place, item in enumerate(items, start=1):
        if not item.id.strip():
            raise EvalError(f"{where}: item {place} has no id. Answers are joined by id: get the file again.")
        if item.id in seen:
            raise EvalError(
                f"{where}: items {seen[item.id]} and {place} have the same id {item.id!r}. "
                "Answers are joined by id: get the file again, or remove one of them."
            )
        seen[item.id] = place
        parts = sum(part["type"] == "image" for message in item.messages for part in message["content"])
        if parts != len(item.images):
            raise EvalError(f"{where}: item {item.id!r} has {parts} image parts and {len(item.images)} images.")
