"""translate: all turns of a row in one request, in both directions.

What must not change is not given to the model: images stay where they are between the texts, and the letters of options
("A. ") are taken off their lines and put back.
"""

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple, override

from data_prep.curate.items import Item
from data_prep.curate.kinds.kind import LANGUAGE_NAMES, Draft, Kind, turn_texts
from data_prep.curate.kinds.numbered import MARK, numbered, read_numbered
from data_prep.rows import Generator, Message, Sample, text_of, text_part

if TYPE_CHECKING:
    from data_prep.curate.checks import Rewriting, Translation
    from data_prep.curate.glossary import Term

_OPTION = re.compile(r"^([A-J][.):][ \t]+)(?=\S)")


class Segment(NamedTuple):
    """A piece of text that is translated on its own; `prefix` is the letter of an option."""

    turn: int
    part: int
    prefix: str
    text: str


class Translate(Kind):
    """Rows of the other language, into the step's."""

    FIELDS: ClassVar[frozenset[str]] = frozenset({"text", "source_language", "language", "glossary", "pieces"})
    TRANSLATES: ClassVar[bool] = True

    TAKES: ClassVar[str] = "rows of the other language than `language`, without numbers in double brackets"

    @override
    def takes(self, sample: Sample) -> bool:
        return sample.language != self.step.language and not MARK.search(text_of(sample.messages))

    @override
    def fields(self, item: Item) -> dict[str, str]:
        pieces = [segment.text for segment in segments(item.sample.messages)]
        return {
            "text": numbered(pieces),
            "pieces": str(len(pieces)),
            "source_language": LANGUAGE_NAMES[item.sample.language],
            "language": LANGUAGE_NAMES[self.step.language],
            "glossary": self._shown(self.terms(item)),
        }

    @override
    def read(self, item: Item, text: str) -> Draft:
        return read_numbered(text, len(segments(item.sample.messages)))

    @override
    def subjects(self, item: Item, draft: Draft) -> "list[Translation | Rewriting]":
        from data_prep.curate.checks import Translation

        messages = translated(item.sample.messages, draft)
        return [
            Translation(
                source=turn_texts(item.sample.messages),
                made=turn_texts(messages),
                source_language=item.sample.language,
                language=self.step.language,
                terms=tuple(self.terms(item)),
                options=any(segment.prefix for segment in segments(item.sample.messages)),
            )
        ]

    @override
    def made(self, item: Item, draft: Draft, generator: Generator | None) -> list[Sample]:
        language = self.step.language
        return [
            item.sample._replace(
                id=f"{item.sample.id}-{language}",
                language=language,
                messages=translated(item.sample.messages, draft),
                parent=item.sample.id,
                generator=generator,
            )
        ]

    @override
    def reply_language(self, item: Item) -> str:
        return self.step.language

    def terms(self, item: Item) -> "list[Term]":
        """The terms of the glossary that occur in the row."""
        if self.glossary is None:
            return []
        return self.glossary.occurring(text_of(item.sample.messages), item.sample.language)

    def _shown(self, terms: "list[Term]") -> str:
        into_arabic = self.step.language == "ar"
        pairs = [(term.english, term.arabic) if into_arabic else (term.arabic, term.english) for term in terms]
        return "\n".join(f"{source} = {made}" for source, made in pairs) or "-"


def segments(messages: list[Message]) -> list[Segment]:
    """The pieces of text of a row, in order: a part of a turn, or where it lists options, each option and the rest."""
    found = []
    for turn, message in enumerate(messages):
        for number, part in enumerate(message["content"]):
            text = part.get("text") or ""
            if part["type"] == "text" and text.strip():
                found += [Segment(turn, number, prefix, piece) for prefix, piece in _pieces(text)]
    return found


def _pieces(text: str) -> list[tuple[str, str]]:
    lines = text.split("\n")
    if not any(_OPTION.match(line) for line in lines):
        return [("", text)]
    pieces: list[tuple[str, str]] = []
    for line in lines:
        if option := _OPTION.match(line):
            pieces.append((option.group(1), line[option.end() :]))
        elif pieces and not pieces[-1][0]:
            pieces[-1] = ("", f"{pieces[-1][1]}\n{line}")
        elif line.strip():
            pieces.append(("", line))
    return [(prefix, piece) for prefix, piece in pieces if piece.strip()]


def translated(messages: list[Message], draft: Draft) -> list[Message]:
    """The turns with each piece of text replaced by its translation."""
    texts: dict[tuple[int, int], list[str]] = {}
    for segment, piece in zip(segments(messages), draft, strict=True):
        texts.setdefault((segment.turn, segment.part), []).append(segment.prefix + piece)
    return [
        {
            "role": message["role"],
            "content": [
                text_part("\n".join(texts[turn, number])) if (turn, number) in texts else part
                for number, part in enumerate(message["content"])
            ],
        }
        for turn, message in enumerate(messages)
    ]
