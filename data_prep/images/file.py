"""From the bytes of any image file to the PNG or JPEG file that the store keeps."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from data_prep.images import perceptual
from data_prep.images.dicom_pixels import MAX_PIXELS, to_8_bits
from data_prep.images.metadata import is_cut_off, strip_jpeg, strip_png
from data_prep.images.orientation import orientation_of, upright, upright_size
from data_prep.rows import Reject

_AS_THEY_ARE = {"PNG": ("1", "L", "P", "RGB"), "JPEG": ("L", "RGB")}


@dataclass(frozen=True)
class StoredImage:
    """An encoded PNG or JPEG file, its size in pixels as shown (orientation applied), and its perceptual hash."""

    data: bytes
    width: int
    height: int
    phash: str | None
    resized: bool = False


def stored_image(
    data: bytes, max_side: int | None = None, max_pixels: int = MAX_PIXELS, looked_at: bool = True
) -> StoredImage:
    """The file to store for an image, checked by decoding it when it is to be `looked_at`, which gives its hash.

    A PNG or JPEG file of 8 bits stays as it came, without its metadata. Any other file, and one longer than
    `max_side` pixels on a side, becomes a PNG file; that is lossless except for the one downscaling.
    Raises Reject: undecodable_image or image_too_large.
    """
    with _rejecting(data):
        image = _opened(data, max_pixels)
        if looked_at and image.format != "JPEG":
            image.load()  # a JPEG file is decoded below, smaller
        orientation = orientation_of(image)
        size = upright_size(image, orientation)
        too_long = max_side is not None and max(size) > max_side
        if image.mode in _AS_THEY_ARE.get(image.format or "", ()) and "transparency" not in image.info and not too_long:
            strip = strip_png if image.format == "PNG" else strip_jpeg
            stored = strip(data, orientation)
            if not looked_at and is_cut_off(stored):
                raise Reject("undecodable_image", "truncated: the file has no end")
            phash = perceptual.phash(perceptual.grey(image, orientation)) if looked_at else None
            return StoredImage(stored, *size, phash)
        image.load()
        converted = _eight_bit(upright(image, orientation))
        if too_long and max_side is not None:
            converted.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        phash = perceptual.phash(perceptual.grey(converted, 1)) if looked_at else None
        return StoredImage(png_file(converted), *converted.size, phash, resized=too_long)


def png_file(image: Image.Image) -> bytes:
    """The image as a PNG file without metadata."""
    buffer = io.BytesIO()
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    bare.save(buffer, format="PNG")
    return buffer.getvalue()


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is ours
        image = Image.open(io.BytesIO(data))
    if image.width * image.height > max_pixels:
        raise Reject("image_too_large", f"{image.width}x{image.height} pixels, at most {max_pixels}")
    return image


@contextmanager
def _rejecting(data: bytes) -> Iterator[None]:
    """Raise Reject for whatever is wrong with the file."""
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
    """The image as L or RGB: 16-bit grey scaled by its range, transparency on white."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        # from darkest to brightest: 12 bits in a file of 16 would turn black under a fixed division
        return Image.fromarray(to_8_bits(values, values.min(), values.max()))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = Image.new("RGBA", image.size, "white")
        over.alpha_composite(image.convert("RGBA"))
        return over.convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")
