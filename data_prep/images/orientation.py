"""Turn an image upright by the orientation in its EXIF or XMP, 1 to 8, where 1 is upright."""

from PIL import Image

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
