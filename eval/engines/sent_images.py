"""How a server is sent images: as they are, or as the image processor of what it serves sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_prep.images.data_url import data_url
from data_prep.images.encode import png_file
from data_prep.images.prepared import ProcessorError, check_preparable, image_processor, prepare
from eval.errors import EvalError
from eval.images import KEPT, DecodedImage

DataUrl = Callable[[DecodedImage], str]
"""Returns an image as the data URL that is sent."""


def once(url_of: DataUrl) -> DataUrl:
    """Return a function that makes the data URL of each of the last images once: their questions follow each other."""
    made: dict[str, str] = {}

    def url(image: DecodedImage) -> str:
        if image.sha256 not in made:
            if len(made) == KEPT:
                del made[next(iter(made))]
            made[image.sha256] = url_of(image)
        return made[image.sha256]

    return url


class PreparedImages:
    """Images padded or cropped, and resized, by an image processor; what it then does to them changes nothing more.

    Args:
        folder: of a checkpoint, or of an export, which has the settings of its checkpoint's processor.

    Raises:
        EvalError: there is no image processor, or it cuts images into tiles or patches.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._processor = image_processor(folder)
            check_preparable(self._processor, folder)
        except ProcessorError as error:
            raise EvalError(f"--prepare-images {error}") from None

    def __call__(self, image: DecodedImage) -> str:
        """Return the prepared image as the data URL of a PNG."""
        return data_url(png_file(prepare(image.image, self._processor)))

    def header(self) -> dict[str, Any]:
        """Return what a predictions file says: which processor, and the hash of its settings."""
        settings = self._processor.to_json_string()
        return {"processor": type(self._processor).__name__, "sha256": hashlib.sha256(settings.encode()).hexdigest()}
