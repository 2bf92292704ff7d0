"""Small images for the layouts."""

import io

import numpy as np
from PIL import Image


def jpeg(seed: int = 0) -> bytes:
    """A JPEG file of random squares."""
    values = np.random.default_rng(seed).integers(0, 256, (4, 6), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).resize((24, 16), Image.Resampling.NEAREST).save(buffer, format="JPEG")
    return buffer.getvalue()


def save(path, seed: int = 0) -> None:
    """Write one to a file, with the folders in front of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(seed))
