"""An image of a conversation: any image file, or one frame of a DICOM file, as training would store it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from data_prep.images.dicom_pixels import decode
from data_prep.images.encode import png_file, stored_image
from data_prep.rows import Reject
from eval.errors import EvalError
from eval.images import DecodedImage, read_image

_PREAMBLE = 128
"""Bytes before the letters DICM in a DICOM file."""
MAX_BYTES = 2 << 30
"""More than 64 megapixels take in any format; a file of another kind is refused before it fills the memory."""


@dataclass(frozen=True)
class View:
    """How a DICOM file is shown.

    Attributes:
        frame: counted from 0; None is the middle one.
        window: centre and width, in the values of the modality (Hounsfield units for CT); None is the file's own.
    """

    frame: int | None = None
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class Attachment:
    """An image that can be shown to a model: PNG or JPEG without metadata, at most 64 megapixels.

    Attributes:
        name: the file's name, for people.
        content: the bytes that are stored and sent.
        note: for a DICOM file its frame and window, else empty.
        frames: of a DICOM file; 1 for any other.
    """

    name: str
    content: bytes
    note: str = ""
    frames: int = 1

    @cached_property
    def key(self) -> str:
        """The sha256 of the content, as in an image store."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def decoded(self) -> DecodedImage:
        """The pixels, as evaluation shows them to a model."""
        return read_image(self.content, self.name)

    @property
    def suffix(self) -> str:
        """Of a file with this content."""
        return ".png" if self.content.startswith(b"\x89PNG") else ".jpg"


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by its name or by its first bytes."""
    if path.suffix.lower() in {".dcm", ".dicom"}:
        return True
    with path.open("rb") as file:
        return file.read(_PREAMBLE + 4)[_PREAMBLE:] == b"DICM"


def attach(path: Path, view: View = View()) -> Attachment:
    """Read an image file; `view` belongs to a DICOM file.

    Raises:
        EvalError: it is not there, not an image, a DICOM file without pixels, or larger than 64 megapixels; the window
            has no width.
    """
    if view.window is not None and not (all(map(math.isfinite, view.window)) and view.window[1] >= 1):
        raise EvalError("A window is a centre and a width of at least 1, such as 40 400.")
    try:
        if not path.is_file() and path.exists():  # a device or a pipe might never end
            raise EvalError(f"{path}: cannot be read (it is no file).")
        if is_dicom(path):
            frame = decode(path, view.frame, view.window)
            note = f"frame {frame.index} of 0 to {frame.frames - 1}, {frame.window}"
            return Attachment(path.name, png_file(frame.image), note, frame.frames)
        if view != View():
            raise EvalError(f"{path}: a frame and a window belong to a DICOM file, and this is none.")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise EvalError(
                f"{path}: {size / 1e9:.1f} GB, and no image of 64 megapixels has as many. Give an image file."
            )
        return Attachment(path.name, stored_image(path.read_bytes()).data)
    except Reject as reject:
        detail = reject.detail if str(path) in reject.detail else f"{path}: {reject.detail}"
        raise EvalError(f"{detail} ({reject.reason}). The conversation is unchanged.") from None
    except OSError as error:
        raise EvalError(f"{path}: cannot be read ({error.strerror}).") from None
