"""Convert any image file to the PNG or JPEG file that is stored."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from data_prep.images import perceptual
from data_prep.images.metadata import is_truncated, orientation_of, strip_jpeg, strip_png, upright, upright_size
from data_prep.rows import Reject

MAX_PIXELS = 64_000_000
"""The largest image or frame to decode: twice the area of a full-field mammogram."""

_KEPT_MODES = {"PNG": ("1", "L", "P", "RGB"), "JPEG": ("L", "RGB")}


@dataclass(frozen=True)
class StoredImage:
    """An encoded PNG or JPEG file, its size in pixels as shown (orientation applied), and its perceptual hash."""

    data: bytes
    width: int
    height: int
    phash: str | None
    resized: bool = False


def stored_image(
    data: bytes, max_side: int | None = None, max_pixels: int = MAX_PIXELS, decode: bool = True
) -> StoredImage:
    """The file to store for an image; with `decode` it is decoded, which checks it and gives its perceptual hash.

    An 8-bit PNG or JPEG file is kept, without its metadata. Any other file, and one with a side of more than
    `max_side` pixels, is converted to PNG, which is lossless except for the downscaling.
    Raises Reject: undecodable_image or image_too_large.
    """
    with _rejecting(data):
        image = _opened(data, max_pixels)
        if decode and image.format != "JPEG":
            image.load()  # a JPEG file is decoded below, at a smaller size
        orientation = orientation_of(image)
        size = upright_size(image, orientation)
        too_long = max_side is not None and max(size) > max_side
        if image.mode in _KEPT_MODES.get(image.format or "", ()) and "transparency" not in image.info and not too_long:
            strip = strip_png if image.format == "PNG" else strip_jpeg
            stored = strip(data, orientation)
            if not decode and is_truncated(stored):
                raise Reject("undecodable_image", "truncated: the file has no end")
            phash = perceptual.phash(perceptual.grey(image, orientation)) if decode else None
            return StoredImage(stored, *size, phash)
        image.load()
        converted = _eight_bit(upright(image, orientation))
        if too_long and max_side is not None:
            converted.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        phash = perceptual.phash(perceptual.grey(converted, 1)) if decode else None
        return StoredImage(png_file(converted), *converted.size, phash, resized=too_long)


def decoded_size(data: bytes, max_pixels: int) -> tuple[int, int]:
    """Width and height in pixels, as shown, of a stored file, all of whose pixels are decoded. Raises Reject."""
    with _rejecting(data):
        image = _opened(data, max_pixels)
        image.load()
        return upright_size(image, orientation_of(image))


def size_of(data: bytes, max_pixels: int) -> tuple[int, int]:
    """Like `decoded_size`, from the file's head alone."""
    with _rejecting(data):
        image = _opened(data, max_pixels)
        return upright_size(image, orientation_of(image))


def png_file(image: Image.Image) -> bytes:
    """Encode the image as a PNG file without metadata."""
    buffer = io.BytesIO()
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    bare.save(buffer, format="PNG")
    return buffer.getvalue()


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # checked below
        image = Image.open(io.BytesIO(data))
    if image.width * image.height > max_pixels:
        raise Reject("image_too_large", f"{image.width}x{image.height} pixels, at most {max_pixels}")
    return image


@contextmanager
def _rejecting(data: bytes) -> Iterator[None]:
    """Turn every error of decoding the file into Reject."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise Reject("image_too_large", str(error)) from error
    except Reject:
        raise
    except Exception as error:  # a decoder given broken bytes may raise anything
        raise Reject("undecodable_image", _why(data, error)) from error


def _why(data: bytes, error: Exception) -> str:
    if not data:
        return "an empty file"
    if data.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page instead of an image; download it again"
    return f"{type(error).__name__}: {str(error).split(' <')[0]}"


def _eight_bit(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB: 16-bit grey scaled to its range, transparency on white."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        # scaled by the range found: 12-bit values in a 16-bit file would be almost black under a fixed scale
        return Image.fromarray(to_8_bits(values, values.min(), values.max()))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = Image.new("RGBA", image.size, "white")
        over.alpha_composite(image.convert("RGBA"))
        return over.convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def to_8_bits(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map `low` to 0 and `high` to 255 linearly, clipping values outside."""
    span = float(high) - float(low) or 1.0
    return np.rint(np.clip((values.astype(np.float64) - float(low)) / span, 0, 1) * 255).astype(np.uint8)
