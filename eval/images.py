"""Images of items: decoded as in training, or as a data URL for a server."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from eval.errors import EvalError

ORIENTATION = 0x0112
SENT_UNCHANGED = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True)
class DecodedImage:
    """A readable image: `content` is the file's bytes, `image` is RGB and upright."""

    content: bytes
    image: Image.Image

    def data_url(self) -> str:
        """Return the image as a data URL.

        The file's own bytes where every decoder reads the same image out of them, else a PNG of `image`.
        """
        with Image.open(io.BytesIO(self.content)) as image:
            kind = SENT_UNCHANGED.get(image.format or "")
            plain = image.mode in {"RGB", "L"} and image.getexif().get(ORIENTATION, 1) == 1
        content = self.content
        if not (kind and plain):
            buffer = io.BytesIO()
            self.image.save(buffer, "PNG")
            kind, content = "image/png", buffer.getvalue()
        return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def read_image(content: bytes, name: str) -> DecodedImage:
    """Decode an image to RGB, turned upright by its EXIF orientation, as the image store does for training.

    Raises:
        EvalError: it cannot be decoded, or it has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            return DecodedImage(content, ImageOps.exif_transpose(image).convert("RGB"))
    # Pillow reports broken files by all of these.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EvalError(f"image {name} cannot be decoded ({error}).") from error
