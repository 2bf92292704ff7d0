"""What a kind of step says: which rows it takes, how a row is asked about, how a reply is read, what is made of it."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from data_prep.curate.items import Item
from data_prep.curate.step import Step
from data_prep.rows import Generator, Message, Sample, text_of

if TYPE_CHECKING:
    from data_prep.curate.checks import Rewriting, Translation
    from data_prep.curate.glossary import Glossary

LANGUAGE_NAMES = {"en": "English", "ar": "Modern Standard Arabic"}

Draft = tuple[str, ...]
"""What a reply says, in the order of the pieces of text that the kind asks for."""


class BadReply(ValueError):
    """A reply in another format; the message says which one is wanted, and `check` is a ledger reason."""

    def __init__(self, detail: str, check: str = "bad_reply") -> None:
        super().__init__(detail)
        self.check = check


class Kind(ABC):
    """One kind of step.

    Attributes:
        TAKES: the rows that it makes something of, in words.
        FIELDS: the fields of its prompts.
        ASKS: whether a model makes its drafts.
        REVIEWS_ALL: whether every row waits for a reviewer.
        TRANSLATES: whether its checks are those of a translation.
    """

    TAKES: ClassVar[str]
    FIELDS: ClassVar[frozenset[str]] = frozenset()
    ASKS: ClassVar[bool] = True
    REVIEWS_ALL: ClassVar[bool] = False
    TRANSLATES: ClassVar[bool] = False

    def __init__(self, step: Step, glossary: "Glossary | None" = None) -> None:
        self.step, self.glossary = step, glossary

    @abstractmethod
    def takes(self, sample: Sample) -> bool:
        """Whether the step makes something of this row; other rows are counted as skipped."""

    def fields(self, item: Item) -> dict[str, str]:
        """The values of FIELDS for a row."""
        return {}

    def read(self, item: Item, text: str) -> Draft:
        """The draft in a reply. Raises BadReply."""
        return (text.strip(),)

    def subjects(self, item: Item, draft: Draft) -> "list[Translation | Rewriting]":
        """What the checks look at."""
        return []

    def new_terms(self, item: Item, draft: Draft) -> int:
        """How many findings a draft has that its writer was not told, those that the step allows included."""
        from data_prep.curate.checks import Rewriting
        from data_prep.curate.checks.grounding import terms_added

        subjects = self.subjects(item, draft)
        return sum(len(terms_added(subject)) for subject in subjects if isinstance(subject, Rewriting))

    @abstractmethod
    def made(self, item: Item, draft: Draft, generator: Generator | None) -> list[Sample]:
        """The rows made from a row, with its id as their parent."""

    def expected(self, item: Item) -> int:
        """About how many characters a reply has, for the estimate."""
        return len(text_of(item.sample.messages))

    def reply_language(self, item: Item) -> str:
        """The language of a reply, for the estimate."""
        return item.sample.language

    def files(self, folder: Any, lines: Any) -> list[str]:
        """Write further files into the dataset folder, and return their names; most kinds write none."""
        return []


def turn_texts(messages: list[Message]) -> tuple[str, ...]:
    """The text of each turn, without its images."""
    return tuple(
        "\n".join(part.get("text") or "" for part in message["content"] if part["type"] == "text")
        for message in messages
    )


def with_text(message: Message, text: str) -> Message:
    """The turn with its images first and then this text."""
    images = [part for part in message["content"] if part["type"] == "image"]
    return {"role": message["role"], "content": [*images, {"type": "text", "text": text}]}
