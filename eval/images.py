"""Images of items: decoded as in training, ahead of the engine that is shown them, or as a data URL for a server."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

from PIL import Image, ImageOps, UnidentifiedImageError

from data_prep.images.data_url import data_url
from data_prep.images.encode import png_file
from eval.errors import EvalError

ORIENTATION = 0x0112
SENT_UNCHANGED = {"PNG", "JPEG"}
READERS = 4
AHEAD = 32
"""Images that are read while an engine works on the batch before them."""
KEPT = 64
"""Images that were asked for last, of which none is decoded again."""


@dataclass(frozen=True)
class DecodedImage:
    """A readable image: `content` is the file's bytes, `image` is RGB and upright."""

    content: bytes
    image: Image.Image

    @cached_property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.content).hexdigest()

    def data_url(self) -> str:
        """Return the image as a data URL.

        The file's own bytes where every decoder reads the same image out of them, else a PNG of `image`.
        """
        with Image.open(io.BytesIO(self.content)) as image:
            unchanged = image.format in SENT_UNCHANGED
            plain = image.mode in {"RGB", "L"} and image.getexif().get(ORIENTATION, 1) == 1
        return data_url(self.content if unchanged and plain else png_file(self.image))


ReadImages = Mapping[str, DecodedImage | EvalError]
"""Images by name, an error in place of one that cannot be read."""


def read_image(content: bytes, name: str) -> DecodedImage:
    """Decode an image to RGB, turned upright by its EXIF orientation, as the image store does for training.

    Raises:
        EvalError: it cannot be decoded, or it has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            return DecodedImage(content, ImageOps.exif_transpose(image).convert("RGB"))
    except UnidentifiedImageError as error:
        raise EvalError(f"image {name} cannot be decoded (its content is of no image format).") from error
    # Pillow reports broken files by all of these.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EvalError(f"image {name} cannot be decoded ({error}).") from error


def read_ahead(read: Callable[[str], bytes], batches: Sequence[Sequence[str]]) -> Iterator[ReadImages]:
    """Yield the images of each batch.

    Threads decode the next images while the caller works. An image is decoded once, unless KEPT others lie between
    two of its uses; at most a batch, AHEAD and KEPT images are in memory.

    Args:
        read: returns the file of an image; it is called by one thread at a time.
        batches: names of the images of each batch.
    """
    lock = Lock()
    coming = iter([name for names in batches for name in dict.fromkeys(names)])
    waiting: deque[tuple[str, Future[DecodedImage | EvalError]]] = deque()
    recent: dict[str, Future[DecodedImage | EvalError]] = {}  # by use, the latest last

    def decode(name: str) -> DecodedImage | EvalError:
        try:
            with lock:
                content = read(name)
            return read_image(content, name)
        except EvalError as error:
            return error

    with ThreadPoolExecutor(READERS, thread_name_prefix="images") as pool:
        for names in batches:
            wanted = len(dict.fromkeys(names))
            while len(waiting) < wanted + AHEAD and (name := next(coming, None)) is not None:
                known = recent.pop(name, None)
                recent[name] = known or pool.submit(decode, name)
                waiting.append((name, recent[name]))
                if len(recent) > KEPT:
                    del recent[next(iter(recent))]
            taken = [waiting.popleft() for _ in range(wanted)]
            yield {name: future.result() for name, future in taken}
