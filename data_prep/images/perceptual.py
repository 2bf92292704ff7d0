"""What tells one picture from another whatever its file: a hash of its coarse structure (imagehash's phash)."""

from typing import cast

import imagehash
from PIL import Image, ImageOps

_SIDE = 192
"""Pixels that an image keeps at least on its shorter side. Then hashes of resized copies are as near as with all pixels
(62 images, 6 copies each: 367 within 4 bits, 366 with all pixels); with 64 they were not (352)."""


def shrunk(image: Image.Image) -> Image.Image:
    """The image in grey and upright, a whole, half, quarter or eighth of its sides long.

    A JPEG decoder shrinks on its way, in less time than all pixels take; other images are averaged in the same
    squares. An image that is not loaded yet is thereby decoded, and cannot be had in its own size afterwards.
    """
    factor = next(factor for factor in (8, 4, 2, 1) if factor == 1 or min(image.size) >= factor * _SIDE)
    by_decoder = image.draft("L", (_SIDE, _SIDE)) is not None
    small = image.convert("L") if by_decoder else image.convert("L").reduce(factor)
    return cast(Image.Image, ImageOps.exif_transpose(small))


def phash(small: Image.Image) -> str:
    """16 hex digits from a shrunk image; two that differ in a few of their 64 bits are of one picture."""
    return str(imagehash.phash(small))


def flipped(small: Image.Image) -> list[str]:
    """The hashes of a shrunk image mirrored left to right, upside down, and both."""
    mirrored = ImageOps.mirror(small)
    return [phash(turned) for turned in (mirrored, ImageOps.flip(small), ImageOps.flip(mirrored))]
