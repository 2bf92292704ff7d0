"""What every reader has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_prep.rows import Loaded, Message, Reject, Rejected, Sample, image_part, text_part

PLACEHOLDER = "<image>"


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A source of rows. The fields of a subclass are its keys in a mixture."""

    name: str = ""
    split: str = "train"

    @abstractmethod
    def problems(self) -> list[str]:
        """What is wrong with the keys' values, each a full message; found before anything is read or written."""

    @abstractmethod
    def about(self) -> dict[str, str]:
        """The version and the licence of the source."""

    @abstractmethod
    def inputs(self) -> dict[str, str | int]:
        """What the rows are made from: for each file its sha256, or its size where there are many."""

    @abstractmethod
    def read(self) -> Iterator[Sample | Rejected]:
        """The rows, in the order of the files; a row that cannot be used is Rejected, never skipped."""


def content(text: str) -> list:
    """The content parts of a turn whose text marks the place of each image with `<image>`.

    Blanks beside a placeholder go with it, and empty pieces of text vanish.
    """
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


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`. Raises Reject for a name that leads out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Reject("missing_image", f"{name}: leads out of {folder}")
    return path


def read_image(path: Path) -> Loaded:
    """The bytes of an image file. Raises Reject when it is not there."""
    try:
        return Loaded(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise Reject("missing_image", f"{path}: there is no such file") from error


def sizes(folder: Path) -> dict[str, str | int]:
    """The size in bytes of every file under a folder, by its path in it."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
