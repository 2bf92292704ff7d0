"""Pictures of items: decoded as in training, or as a data URL for a server."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from eval.errors import EvalError

ORIENTATION = 0x0112
AS_THEY_ARE = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True)
class Picture:
    """A picture that can be read; `content` is the file's bytes, `image` is RGB and upright."""

    content: bytes
    image: Image.Image

    def data_url(self) -> str:
        """Return the picture as a data URL.

        The file's own bytes where every decoder reads the same picture out of them, else a PNG of `image`.
        """
        with Image.open(io.BytesIO(self.content)) as picture:
            kind = AS_THEY_ARE.get(picture.format or "")
            plain = picture.mode in {"RGB", "L"} and picture.getexif().get(ORIENTATION, 1) == 1
        content = self.content
        if not (kind and plain):
            buffer = io.BytesIO()
            self.image.save(buffer, "PNG")
            kind, content = "image/png", buffer.getvalue()
        return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def read_picture(content: bytes, name: str) -> Picture:
    """Decode a picture to RGB, turned upright by its EXIF orientation, as the image store does for training.

    Raises:
        EvalError: it cannot be decoded, or it is too large to be meant.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return Picture(content, ImageOps.exif_transpose(picture).convert("RGB"))
    # Pillow reports broken files by all of these.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EvalError(f"image {name} cannot be decoded ({error}).") from error
