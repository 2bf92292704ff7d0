"""One frame of a DICOM file as an 8-bit image.

The grey-scale pipeline of DICOM PS3.3 (C.11): stored values, modality LUT or rescale, VOI LUT or window, and the
inversion of MONOCHROME1. Only pixels are kept, never header text.
"""

import warnings
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels import pixel_array
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi, apply_windowing

from data_prep.images.encode import MAX_PIXELS, to_8_bits
from data_prep.rows import Reject

_GREY = ("MONOCHROME1", "MONOCHROME2")
_FRAME_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")


@dataclass(frozen=True)
class Frame:
    """A decoded frame: `image` has mode L or RGB, `window` names the mapping of grey values to 8 bits."""

    image: Image.Image
    window: str
    index: int
    frames: int


def decode(
    path: str | PathLike[str],
    frame: int | None = None,
    window: tuple[float, float] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Frame:
    """Decode frame `frame` (from 0; by default the middle one), grey values through `window` (centre, width).

    Without `window`, the file's VOI LUT is used, else its first window, else the 1st and 99th percentiles of the
    values. Raises Reject: missing_image, undecodable_image, no_pixels or image_too_large.
    """
    dataset = _read(path)
    frames = _frames(dataset, path)
    index = frames // 2 if frame is None else frame
    if not 0 <= index < frames:
        raise Reject("undecodable_image", f"{path}: no frame {index}; the file has frames 0 to {frames - 1}")
    if dataset.Rows * dataset.Columns > max_pixels:
        raise Reject("image_too_large", f"{path}: {dataset.Columns}x{dataset.Rows} pixels, at most {max_pixels}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns about header fields that do not affect the pixels
            image, used = _render(dataset, index, window)
    except Exception as error:  # a decoder given broken bytes may raise anything
        raise Reject("undecodable_image", f"{path}: {type(error).__name__}: {error}") from error
    return Frame(image, used, index, frames)


def _read(path: str | PathLike[str]) -> Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(path)
    except FileNotFoundError as error:
        raise Reject("missing_image", f"{path}: there is no such file") from error
    except (InvalidDicomError, OSError, EOFError, ValueError) as error:
        raise Reject("undecodable_image", f"{path}: not a DICOM file ({error})") from error
    if "PixelData" not in dataset or not dataset.get("Rows") or not dataset.get("Columns"):
        kind = dataset.get("Modality") or "unknown modality"
        raise Reject("no_pixels", f"{path}: a DICOM file without pixels ({kind}); take it out of the table")
    return dataset


def _frames(dataset: Dataset, path: str | PathLike[str]) -> int:
    """Return the number of frames, by default 1. pydicom reads a value only when it is asked for, and may fail then."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(dataset.get("NumberOfFrames") or 1)
    except (ValueError, TypeError) as error:
        raise Reject("undecodable_image", f"{path}: its number of frames is none ({error})") from error


def _render(dataset: Dataset, index: int, window: tuple[float, float] | None) -> tuple[Image.Image, str]:
    values = pixel_array(dataset, index=index)
    photometric = dataset.PhotometricInterpretation
    if photometric in _GREY:
        grey, used = _grey(values, _frame_header(dataset, index), window)
        return Image.fromarray(255 - grey if photometric == "MONOCHROME1" else grey), used
    if photometric == "PALETTE COLOR":
        colour = apply_color_lut(values, dataset)[..., :3]
        wide = colour.dtype.itemsize > 1 and colour.max() > 255
        return Image.fromarray((colour >> 8 if wide else colour).astype(np.uint8)), "palette"
    # pixel_array has converted YBR to RGB
    return Image.fromarray((values >> max(0, dataset.BitsStored - 8)).astype(np.uint8)), "colour"


def _frame_header(dataset: Dataset, index: int) -> Dataset:
    """The header, with this frame's rescale and window from the functional groups of an enhanced file."""
    header = Dataset()
    header.update(dataset)
    header.file_meta = dataset.file_meta
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups: list[Any] = [*(dataset.get("SharedFunctionalGroupsSequence") or [])[:1], *per_frame[index : index + 1]]
    for group in groups:
        for name in _FRAME_GROUPS:
            for item in group.get(name) or []:
                header.update(item)
    return header


def _grey(values: np.ndarray, header: Dataset, window: tuple[float, float] | None) -> tuple[np.ndarray, str]:
    """Grey values as uint8 and the name of the mapping used."""
    real = apply_modality_lut(values, header)
    if window is not None:
        header.WindowCenter, header.WindowWidth = window
        header.pop("VOILUTFunction", None)
    elif header.get("VOILUTSequence"):
        bits = header.VOILUTSequence[0].LUTDescriptor[2]
        return to_8_bits(apply_voi(real, header), 0, 2**bits - 1), "voi lut"
    if _first(header.get("WindowCenter")) is not None and (_first(header.get("WindowWidth")) or 0) >= 1:
        # windowing maps to the range of the stored values; the two extremes show what that range is
        with np.errstate(over="ignore"):
            mapped = apply_windowing(np.append(real.ravel(), [-1e300, 1e300]), header)
        centre, width = _first(header.WindowCenter), _first(header.WindowWidth)
        return to_8_bits(mapped[:-2].reshape(real.shape), *mapped[-2:]), f"window {centre:g} {width:g}"
    inside = real[values != header.PixelPaddingValue] if "PixelPaddingValue" in header else real
    low, high = np.percentile(inside if inside.size else real, (1, 99))
    if low == high:  # a mask or a few bright dots: both percentiles are background
        low, high = real.min(), real.max()
    return to_8_bits(real, low, high), f"percentiles {low:g} {high:g}"


def _first(value: Any) -> float | None:
    """The first value of a header element that may be absent, single or multi-valued."""
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, (list, tuple)) or hasattr(value, "append") else value)
