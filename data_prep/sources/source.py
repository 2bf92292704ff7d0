"""The interface of a source, and the helpers that sources share."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_prep.rows import Loaded, Message, Part, Reject, Sample, image_part, text_part
from data_prep.tables.table import Table, absent

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
    IMAGES_APART: ClassVar[bool] = False
    """Whether the images are not in the source's own download; `address` then says where each is to be had."""
    PARENTS_ELSEWHERE: ClassVar[bool] = False
    """Whether parents of its rows may be rows of a dataset that no source of the mixture reads."""

    name: str = ""
    licence: str = ""

    @property
    def terms(self) -> str:
        """The licence of the source's rows."""
        return self.licence or self.ABOUT.licence

    @property
    def redistribute(self) -> bool:
        """Whether rows and images are redistributable."""
        return self.ABOUT.redistribute

    @property
    def is_test(self) -> bool:
        """Whether its rows are a benchmark's test split."""
        return getattr(self, "split", "") == "test"

    @abstractmethod
    def problems(self) -> list[str]:
        """What is wrong with the values of the keys, each "key: what, and what to do"; found before reading a row."""

    def form(self) -> str:
        """The form in which the source is there, in a few words ("the Hub's Parquet files, convert branch").

        Empty if no known form is there.
        """
        return ""

    def notes(self) -> list[str]:
        """What a build says of the source's files: which of two forms or folders of images is read."""
        return [] if self._images is None else self._images.notes()

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

    def has_image(self, name: str) -> bool:
        """Whether an image named by a sample is in the source's folder of images; it is not read."""
        return self._images is not None and not self._images.problems("") and self._images.has(name)

    def address(self, image: str, row: dict[str, Any]) -> dict[str, str]:
        """Where the image of a row is to be had, {"url"} or {"archive", "member"}; empty if no table says so."""
        return {}

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
    """A problem for `Source.problems` if the file does not exist, or is a broken link or a pointer."""
    wrong = absent(Path(path))
    return [f"{key}: {path}: {wrong}"] if wrong else []


def wrong_choice(key: str, value: str, known: tuple[str, ...]) -> list[str]:
    """A problem for `Source.problems` if the value is unknown."""
    return [] if value in known else [f"{key}: {value!r}; known: {', '.join(known)}"]


def names_there(*paths: str | Path) -> str:
    """The names of those of these files and folders that exist, for `Source.form`; an empty path is none."""
    return ", ".join(Path(path).name for path in paths if path and Path(path).exists())


def first_existing(folder: Path, names: tuple[str, ...]) -> Path:
    """The first of these files and folders that exists, or else the first broken link, or else the last of them."""
    paths = [folder / name for name in names]
    there = [path for path in paths if path.exists()] or [path for path in paths if path.is_symlink()]
    return there[0] if there else paths[-1]


def all_existing(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Those of these files and folders that exist, but not the folder around one before it; or else the last name."""
    found: list[Path] = []
    for path in (folder / name for name in names):
        if path.exists() and not any(inner.is_relative_to(path) for inner in found):
            found.append(path)
    return found or [folder / names[-1]]


def folder_with(path: str | Path, inner: tuple[str, ...], names: tuple[str, ...]) -> Path:
    """The first folder of `path` and of `inner`, the folders that an archive unpacks to, with one of these names."""
    folders = [Path(path), *(Path(path) / name for name in inner)]
    return next((folder for folder in folders if any((folder / name).exists() for name in names)), folders[0])


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
