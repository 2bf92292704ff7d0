"""What a report is made of; one list of sections is written as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Cell:
    """A table's cell: its number, what stands small beside it, and the numbers of its notes (from 1)."""

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
    """What must be read first."""

    kind: ClassVar[str] = "caution"
    title: str
    text: str


@dataclass(frozen=True)
class Table:
    """A table, head first; `own` are the columns that stand out, `notes` the numbered ones below it."""

    kind: ClassVar[str] = "table"
    rows: Sequence[Sequence[str | Cell]]
    own: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A drawing; `name` is its file's stem beside the Markdown page."""

    kind: ClassVar[str] = "figure"
    name: str
    alt: str
    svg: str


@dataclass(frozen=True)
class Facts:
    """A list of names and what is known of each."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Text:
    """A text out of the data, with its direction of writing."""

    name: str
    text: str
    language: str
    direction: str


@dataclass(frozen=True)
class Sample:
    """A prediction as a person would see it; `pictures` are data URLs, `about` says what it is."""

    kind: ClassVar[str] = "sample"
    number: int
    verdict: str
    about: str
    texts: Sequence[Text]
    pictures: Sequence[str] = ()


Block = Paragraph | Caution | Table | Figure | Facts | Sample


@dataclass(frozen=True)
class Section:
    """A heading (of `level`, from 2) and what stands under it; `folded`: closed until it is asked for."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    level: int = 2
    folded: bool = False
