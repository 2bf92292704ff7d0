"""Take what is not pixels out of PNG and JPEG files without encoding the pixels again.

Kept are what decoding needs and the orientation; text, comments, EXIF, XMP, times and thumbnails go, since they
may hold a person's name. PNG: W3C Portable Network Graphics, section 11. JPEG: ITU-T T.81, annex B.
"""

import re
import struct
import zlib
from bisect import bisect_left

from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD"}
_JPEG_APP0, _JPEG_APP2, _JPEG_APP14, _JPEG_SOS, _JPEG_EOI = 0xE0, 0xE2, 0xEE, 0xDA, 0xD9
_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""0xFF, except within entropy-coded bytes: before a stuffed zero or a restart code."""


def strip_png(data: bytes, orientation: int = 1) -> bytes:
    """The PNG file with only its pixel chunks, plus an EXIF chunk with the orientation if that is not 1."""
    kept = [PNG_SIGNATURE]
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT" and orientation != 1:
            kept.append(_png_chunk(b"eXIf", _exif(orientation)))
            orientation = 1
        if kind in _PNG_KEPT:
            kept.append(data[at : at + 12 + length])
        if kind == b"IEND":
            break
        at += 12 + length
    return b"".join(kept)


def strip_jpeg(data: bytes, orientation: int = 1) -> bytes:
    """The JPEG file up to its end marker, without comments and the application segments not needed for decoding.

    A truncated file stays truncated: with an end marker it would pass as complete, its lower part grey.
    """
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    if orientation != 1:
        exif = b"Exif\x00\x00" + _exif(orientation)
        kept.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    markers, at = [found.start() for found in _MARKER.finditer(data)], 2
    for marker in markers:
        if marker < at:
            continue
        code, start = data[marker + 1], marker + 2
        if code == _JPEG_EOI:
            kept.append(_END)
            break
        at = start + int.from_bytes(data[start : start + 2])
        if code == _JPEG_SOS:  # the entropy-coded bytes end at the next marker, without the fill bytes before it
            at = next(iter(markers[bisect_left(markers, at) :]), len(data))
            while data[at - 1] == 0xFF:
                at -= 1
        if _jpeg_kept(code, data[start + 2 : start + 14]):
            kept.append(memoryview(data)[marker:at])
    is_whole = orientation == 1 and sum(map(len, kept)) == len(data)
    return data if is_whole else b"".join(kept)


def is_truncated(stripped: bytes) -> bool:
    """Whether a stripped PNG or JPEG file is truncated."""
    return not stripped.endswith((_END, b"IEND\xae\x42\x60\x82"))


def _jpeg_kept(code: int, head: bytes) -> bool:
    if code == _JPEG_APP2:
        return head.startswith(b"ICC_PROFILE")
    application = _JPEG_APP0 <= code <= 0xEF
    return code in (_JPEG_APP0, _JPEG_APP14) or not (application or code == 0xFE)


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[TAG] = orientation
    return exif.tobytes().removeprefix(b"Exif\x00\x00")


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(image: Image.Image) -> int:
    """The orientation in the file; 1 if there is none or it cannot be read, since the pixels may still be good."""
    try:
        found = image.getexif().get(TAG, 1)
    except Exception:  # broken EXIF may raise anything
        return 1
    return found if found in _TURNS else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned upright."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def upright_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    """Width and height in pixels of the image turned upright."""
    width, height = image.size
    return (height, width) if orientation >= 5 else (width, height)
