"""What every reader has in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_prep import manifest
from data_prep.rows import Loaded, Message, Part, Reject, Sample, image_part, text_part
from data_prep.tables.base import Table

if TYPE_CHECKING:
    from data_prep.tables.archive import ImageFolder

PLACEHOLDER = "<image>"


@dataclass(frozen=True)
class About:
    """What a researcher wants to know of a source before having it.

    Attributes:
        title: its name in the field.
        get: where it is had, and what that takes (an account, an agreement).
        licence: SPDX identifier or name.
        redistribute: whether rows and images may be given on.
        layout: the files and folders that the reader wants, relative to the source's folder.
    """

    title: str
    get: str
    licence: str
    redistribute: bool
    layout: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A source of rows. The fields of a subclass are its keys in a mixture.

    `name` stands in the rows, the ledger and the manifest; `licence` replaces what ABOUT says.
    """

    ABOUT: ClassVar[About]

    name: str = ""
    licence: str = ""

    @property
    def terms(self) -> str:
        """The licence of the source's rows."""
        return self.licence or self.ABOUT.licence

    @abstractmethod
    def problems(self) -> list[str]:
        """What is wrong with the keys' values, each "key: what, and what to do"; found before a row is read."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """The files of rows, in a fixed order."""

    @abstractmethod
    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The id of the sample that a row becomes, with the reader's own prefix."""

    @abstractmethod
    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """The sample of a row, or None for a row that belongs to another split. Raises Reject."""

    def image_folder(self) -> "ImageFolder | None":
        """The folder or archive of the source's images, when it has one."""
        return None

    @cached_property
    def _images(self) -> "ImageFolder | None":
        return self.image_folder()

    def load(self, name: str) -> Loaded:
        """The bytes of an image that a sample names. Raises Reject."""
        if self._images is None:
            raise Reject("missing_image", f"{name}: {self.name} names no folder of images")
        return self._images.read(name)

    def version(self) -> str:
        """Which release of the source this is, when that can be told."""
        return ""

    def inputs(self) -> dict[str, str | int]:
        """What the rows are made from: the sha256 of each table, and the size of each image file."""
        tables: dict[str, str | int] = {
            f"{number} {table.path.name}": manifest.sha256(table.path) for number, table in enumerate(self.tables())
        }
        return tables if self._images is None else {**tables, **self._images.inputs()}


def wrong_file(key: str, path: str | Path) -> list[str]:
    """A problem for `Source.problems` unless the file is there."""
    return [] if Path(path).is_file() else [f"{key}: {path}: there is no such file"]


def wrong_choice(key: str, value: str, known: tuple[str, ...]) -> list[str]:
    """A problem for `Source.problems` unless the value is known."""
    return [] if value in known else [f"{key}: {value!r}; known: {', '.join(known)}"]


def content(text: str) -> list[Part]:
    """The content parts of a turn whose text marks the place of each image with `<image>`.

    Blanks beside a placeholder go with it, and empty pieces of text vanish.
    """
    if PLACEHOLDER not in text:
        return [] if not text or text.isspace() else [text_part(text)]
    pieces = text.split(PLACEHOLDER)
    parts = []
    for number, piece in enumerate(pieces):
        if number:
            parts.append(image_part())
        left = piece.lstrip() if number else piece
        kept = left.rstrip() if number < len(pieces) - 1 else left
        if kept.strip():
            parts.append(text_part(kept))
    return parts


def conversation(turns: list[str], images: int) -> list[Message]:
    """Questions and answers in turn, as messages; the images stand before the first question."""
    messages: list[Message] = []
    for number, turn in enumerate(turns):
        before = [image_part()] * images if number == 0 else []
        said = [text_part(turn)] if turn.strip() else []
        messages.append({"role": "assistant" if number % 2 else "user", "content": [*before, *said]})
    return messages


def choice(question: str, options: list[str], right: int, letters: str = "ABCDEFGHIJ") -> list[str]:
    """The two turns of a multiple-choice question: the question with one lettered option a line, and the answer.

    `right` is the right option's number from 0. Raises Reject when there is no such option.
    """
    if not 0 <= right < len(options):
        raise Reject("bad_row", f"the right answer is option {right + 1} of {len(options)}")
    lines = [f"{letter}. {option}" for letter, option in zip(letters, options, strict=False)]
    return ["\n".join([question.strip(), *lines]), lines[right]]


def own_id(row: dict[str, Any], key: str, place: str) -> str:
    """The row's own id under `key` as text; where that is null or empty, its place in the file ("row-3")."""
    value = row.get(key)
    text = "" if value is None else str(value)
    return text if text.strip() else place.replace(" ", "-")


def field(row: dict[str, Any], *names: str) -> str:
    """The text of the first of these fields that the row has; numbers become text. Raises Reject for none."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    raise Reject("bad_row", f"no text under {' or '.join(repr(name) for name in names)}")
