"""The pictures of sample predictions, small and as data URLs, where their files are still there."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

from data_prep.images.store import ImageStoreError, open_store
from eval.errors import EvalError
from eval.images import read_image
from eval.items import Predictions
from eval.registry import load

LONGEST_SIDE = 512
QUALITY = 80

Read = Callable[[str], bytes]


def thumbnails(run: Predictions, root: Path, data: Path | None, keys: list[str]) -> list[str]:
    """Return the pictures that can be read as data URLs, in order; a picture that cannot is left out.

    They come out of the benchmark's files under `root`, or out of the image store of the run's data set (or of `data`).
    """
    readers = _readers(run, root, data)
    tried = ([_thumbnail(read, key) for read in readers] for key in keys)
    return [url for urls in tried for url in [url for url in urls if url][:1]]


def _readers(run: Predictions, root: Path, data: Path | None) -> list[Read]:
    if "benchmark" in run.header:
        return [load(run.header["benchmark"]["name"], root).image]
    folders = dict.fromkeys([Path(run.header["data"]["folder"]), *([data] if data else [])])
    return [partial(_stored, folder) for folder in folders]


def _stored(folder: Path, key: str) -> bytes:
    return open_store(str(folder / "images")).bytes(key)


def _thumbnail(read: Read, key: str) -> str | None:
    try:
        image = read_image(read(key), key).image
    except (EvalError, ImageStoreError, OSError):
        return None
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
