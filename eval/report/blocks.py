"""The parts of a report, written as Markdown and as HTML from one list of sections, and text made safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

# Overrides, embeddings and isolates reorder the text after them, so their names are shown in their place.
_REORDERING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_NOT_SHOWN = {"Cc", "Cs"}
_ALLOWED = {"\n", "\t"}


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its value, the small print beside it, and the numbers of its footnotes (from 1)."""

    text: str
    small: str = ""
    marks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Caution:
    """A warning at the top of the report."""

    kind: ClassVar[str] = "caution"
    title: str
    text: str


@dataclass(frozen=True)
class Table:
    """A table, header first; `own` are the highlighted columns, `notes` the numbered footnotes."""

    kind: ClassVar[str] = "table"
    rows: Sequence[Sequence[str | Cell]]
    own: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A drawing; `name` is the stem of its file beside the Markdown page."""

    kind: ClassVar[str] = "figure"
    name: str
    alt: str
    svg: str


@dataclass(frozen=True)
class Facts:
    """A list of names and values."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Text:
    """A text from the data, with its writing direction."""

    name: str
    text: str
    language: str
    direction: str


@dataclass(frozen=True)
class Sample:
    """A prediction with its question and reference; `images` are data URLs, `about` describes it."""

    kind: ClassVar[str] = "sample"
    number: int
    verdict: str
    about: str
    texts: Sequence[Text]
    images: Sequence[str] = ()


Block = Paragraph | Caution | Table | Figure | Facts | Sample


@dataclass(frozen=True)
class Section:
    """A heading (of `level`, from 2) and its blocks; a `folded` section is collapsed in the HTML page."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    level: int = 2
    folded: bool = False


def printable(text: str) -> str:
    """Return the text with control characters and lone surrogates replaced, and reordering characters spelt out."""
    if text.isascii() and text.isprintable():  # data URLs are long
        return text
    return "".join(map(_printable, text))


def _printable(letter: str) -> str:
    if ord(letter) in _REORDERING:
        return f"[U+{ord(letter):04X}]"
    if unicodedata.category(letter) in _NOT_SHOWN and letter not in _ALLOWED:
        return "\N{REPLACEMENT CHARACTER}"
    return letter


def direction(text: str, language: str) -> str:
    """Return "rtl" or "ltr" by the first character that has a direction; without one, by the language."""
    for letter in text:
        found = unicodedata.bidirectional(letter)
        if found in {"L", "R", "AL"}:
            return "ltr" if found == "L" else "rtl"
    return "rtl" if language == "ar" else "ltr"
