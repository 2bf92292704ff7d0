"""The interface of a source, and the helpers that sources share."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_prep.rows import Loaded, Message, Part, Reject, Sample, image_part, text_part
from data_prep.tables.table import Table

if TYPE_CHECKING:
    from data_prep.images.image_folder import ImageFolder

PLACEHOLDER = "<image>"


@dataclass(frozen=True)
class About:
    """What a researcher wants to know about a source before downloading it.

    Attributes:
        title: its usual name.
        get: where to download it, and what that requires (an account, an agreement).
        licence: SPDX identifier or name.
        redistribute: whether rows and images are redistributable.
        layout: the files and folders that the source reads, relative to its folder.
    """

    title: str
    get: str
    licence: str
    redistribute: bool
    layout: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A source of rows. The fields of a subclass are its keys in a mixture.

    `name` is written to the rows, the ledger and the manifest; `licence` replaces the licence of ABOUT.
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
        """What is wrong with the values of the keys, each "key: what, and what to do"; found before reading a row."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """The files of rows, in a fixed order."""

    @abstractmethod
    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The id of the sample made from a row, with the source's own prefix."""

    @abstractmethod
    def sample(self, row_id: str, row: dict[str, Any]) -> Sample | None:
        """The sample made from a row, or None for a row of another split. Raises Reject."""

    def image_folder(self) -> "ImageFolder | None":
        """The folder or archive of the source's images, if it has one."""
        return None

    @cached_property
    def _images(self) -> "ImageFolder | None":
        return self.image_folder()

    def image_place(self) -> str | None:
        """What `load` reads from: sources with the same place load the same image by the same name.

        None if no other source reads the same images. A source with its own `load` has its own `image_place`.
        """
        return self._images.place() if self._images is not None else None

    def load(self, name: str) -> Loaded:
        """The bytes of an image named by a sample. Raises Reject."""
        if self._images is None:
            raise Reject("missing_image", f"{name}: {self.name} names no folder of images")
        return self._images.read(name)

    def version(self) -> str:
        """The release of the source, if it can be identified."""
        return ""

    def inputs(self) -> dict[str, str | int]:
        """What the rows are made from: the sha256 of each table, and the size of each image file."""
        tables: dict[str, str | int] = {
            f"{number} {table.path.name}": table.sha256() for number, table in enumerate(self.tables())
        }
        return tables if self._images is None else {**tables, **self._images.inputs()}


def wrong_file(key: str, path: str | Path) -> list[str]:
    """A problem for `Source.problems` if the file does not exist."""
    return [] if Path(path).is_file() else [f"{key}: {path}: there is no such file"]


def wrong_choice(key: str, value: str, known: tuple[str, ...]) -> list[str]:
    """A problem for `Source.problems` if the value is unknown."""
    return [] if value in known else [f"{key}: {value!r}; known: {', '.join(known)}"]


def first_existing(folder: Path, names: tuple[str, ...]) -> Path:
    """The first of these files and folders that exists, or else the last of them."""
    return next((folder / name for name in names if (folder / name).exists()), folder / names[-1])


def content(text: str) -> list[Part]:
    """The content parts of a turn whose text marks the position of each image with `<image>`.

    Blanks around a placeholder are dropped, and so are empty pieces of text.
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
    """Alternating questions and answers as messages; the images come before the first question."""
    messages: list[Message] = []
    for number, turn in enumerate(turns):
        before = [image_part()] * images if number == 0 else []
        text = [text_part(turn)] if turn.strip() else []
        messages.append({"role": "assistant" if number % 2 else "user", "content": [*before, *text]})
    return messages


def vqa(question: str, answer: str) -> list[Message]:
    """The two turns of a question on one image. Raises Reject: empty_question or empty_answer."""
    if not question.strip():
        raise Reject("empty_question", "the question has no text")
    if not answer.strip():
        raise Reject("empty_answer", "the answer has no text")
    return conversation([question.strip(), answer.strip()], images=1)


def choice(question: str, options: list[str], right: int, letters: str = "ABCDEFGHIJ") -> list[str]:
    """The two turns of a multiple-choice question: the question with one lettered option a line, and the answer.

    `right` is the index of the correct option, from 0. Raises Reject if there is no such option.
    """
    if not 0 <= right < len(options):
        raise Reject("bad_row", f"the right answer is option {right + 1} of {len(options)}")
    lines = [f"{letter}. {option}" for letter, option in zip(letters, options, strict=False)]
    return ["\n".join([question.strip(), *lines]), lines[right]]


def own_id(row: dict[str, Any], key: str, place: str) -> str:
    """The row's own id under `key` as text; if that is null or empty, its place in the file ("row-3")."""
    value = row.get(key)
    text = "" if value is None else str(value)
    return text if text.strip() else place.replace(" ", "-")


def field(row: dict[str, Any], *names: str) -> str:
    """The text of the first of these fields that the row has; numbers become text. Raises Reject if it has none."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    raise Reject("bad_row", f"no text under {' or '.join(repr(name) for name in names)}")


def pmc_article(figure: str) -> str:
    """The PubMed Central article of a figure ("PMC12_Fig3.jpg": PMC12), whose figures may show the same patients."""
    found = re.match(r"PMC\d+", Path(figure).name)
    return found.group() if found else figure
