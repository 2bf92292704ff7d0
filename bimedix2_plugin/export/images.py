"""Images as a checkpoint's own processor sees them, to be sent to a server that would prepare them in another way."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    from PIL.Image import Image


def image_processor(folder: Path) -> Any:
    """Load the image processor of a checkpoint's folder, or of an export's, which holds its settings."""
    from transformers import AutoImageProcessor

    try:
        # torchvision, where it is installed, resamples differently from training
        return AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{folder}: its image processor cannot be loaded ({error}).") from error


def prepare(image: Image, processor: Any) -> Image:
    """Pad or crop an image and resize it to the tower's size, with everything but the normalisation.

    llama.cpp leaves an image of that size as it is; so does the processor itself.

    Args:
        image: of any size and mode.
        processor: the checkpoint's image processor.

    Returns:
        A square RGB image.
    """
    import numpy as np
    from PIL import Image as Images

    values = processor(image.convert("RGB"), do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"]
    return Images.fromarray(np.clip(np.rint(values[0].transpose(1, 2, 0)), 0, 255).astype("uint8"))


def png(image: Image) -> bytes:
    """Encode an image without loss."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
