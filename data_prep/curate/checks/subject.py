"""What the checks look at: a made text beside what it was made from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from data_prep.curate.glossary import Term


@dataclass(frozen=True)
class Translation:
    """The turns of a row in two languages, "en" and "ar", without image placeholders.

    Attributes:
        terms: the terms of the glossary that occur in the source.
        options: whether it is a multiple-choice row, with lines such as "A. ...".
    """

    source: tuple[str, ...]
    made: tuple[str, ...]
    source_language: str
    language: str
    terms: tuple[Term, ...] = ()
    options: bool = False

    def turns(self) -> Iterator[tuple[int, str, str]]:
        """The number of each turn from 1, its source and what was made of it, "" where one has no such turn."""
        for number, (source, made) in enumerate(zip_longest(self.source, self.made, fillvalue=""), start=1):
            yield number, source, made


@dataclass(frozen=True)
class Rewriting:
    """A full answer or a conversation, and what it was made from.

    Attributes:
        question, answer: of the row that is rewritten; empty for a conversation.
        made: the full answer alone, or question and answer in turn.
        caption: the caption and mentions that the writer saw.
        new_terms: how many findings that the writer was not told are no error.
    """

    question: str
    answer: str
    made: tuple[str, ...]
    caption: str = ""
    language: str = "en"
    new_terms: int = 0

    @property
    def conversation(self) -> bool:
        """Whether there is no short answer that is rewritten."""
        return not self.answer

    @property
    def answers(self) -> str:
        """The text of what is said about the image, without the questions of a conversation."""
        return "\n".join(self.made[1::2] if self.conversation else self.made)

    @property
    def known(self) -> str:
        """All that the writer was told."""
        return "\n".join(text for text in (self.question, self.answer, self.caption) if text)


OfTranslation = Callable[[Translation], Iterator[str]]
OfRewriting = Callable[[Rewriting], Iterator[str]]
