"""Images as a checkpoint's own processor sees them, to be sent to a server that would prepare them in another way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_TRIED = (60, 40)
"""Width and height of the image with which a processor is tried."""


class ProcessorError(ValueError):
    """An image processor cannot be loaded, or makes something else than one image of an image."""


def image_processor(folder: Path) -> Any:
    """Load the image processor of a checkpoint's folder, or of an export's, which holds its settings.

    Raises:
        ProcessorError: there is none.
    """
    from transformers import AutoImageProcessor

    if not folder.is_dir():  # transformers would take it for a name on the Hub
        raise ProcessorError(f"{folder}: no such folder. Name that of a checkpoint or of an export.")
    try:
        # torchvision, where it is installed, resamples differently from training
        return AutoImageProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
    except (OSError, ValueError) as error:
        raise ProcessorError(f"{folder}: its image processor cannot be loaded ({error}).") from error


def check_preparable(processor: Any, folder: Path) -> None:
    """Try a processor on a small image.

    Raises:
        ProcessorError: it cuts images into tiles or patches, so that no single image can be sent.
    """
    from PIL import Image as Images

    try:
        prepare(Images.new("RGB", _TRIED), processor)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ProcessorError(
            f"{folder}: its processor ({type(processor).__name__}) cuts an image into tiles or patches, so that there "
            "is no one image to send. Send images as they are to a server that prepares them itself."
        ) from error


def prepare(image: Image, processor: Any) -> Image:
    """Pad or crop an image and resize it to the tower's size, with everything but the normalisation.

    llama.cpp leaves an image of that size as it is; so does the processor itself.

    Args:
        image: of any size and mode.
        processor: the checkpoint's image processor.

    Returns:
        A square RGB image.

    Raises:
        ValueError: the processor makes something else than one image.
    """
    import numpy as np
    from PIL import Image as Images

    values = processor(image.convert("RGB"), do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"]
    if values.ndim != 4 or values.shape[:2] != (1, 3):
        raise ValueError(f"pixel values of shape {values.shape} in place of (1, 3, height, width)")
    return Images.fromarray(np.clip(np.rint(values[0].transpose(1, 2, 0)), 0, 255).astype("uint8"))
