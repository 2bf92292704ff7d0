"""The images that the rows of sources name and that are not there: how many, and a list for a downloader."""

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.atomic import atomic_write
from data_prep.pipeline.stage import SECONDS_BETWEEN_REPORTS
from data_prep.rows import Reject, Rejected
from data_prep.sources.source import Source

COUNTED = 20_000
"""At most so many rows of a source are read to count its images."""
_EXAMPLES = 3


class Count(NamedTuple):
    """How many images rows name, how many of them are there, and how many of the others have no known address.

    `missing` are the names of some that are not there.
    """

    rows: int
    named: int
    there: int
    unaddressed: int = 0
    missing: tuple[str, ...] = ()


def count(source: Source) -> Count | None:
    """Count the images of the first rows, by name, without reading one; None for a source without a folder of images.

    Raises TableError for a damaged file.
    """
    if source.image_folder() is None:
        return None
    rows, names = 0, dict[str, None]()
    for placed in islice(_rows(source), COUNTED):
        rows += 1
        names |= dict.fromkeys(_named(source, *placed))
    missing = [name for name in names if not source.has_image(name)]
    return Count(rows, len(names), len(names) - len(missing), missing=tuple(missing[:_EXAMPLES]))


def write(path: Path, sources: list[Source]) -> Count:
    """Write a JSON line for each image that selected rows of the sources name and that is not there.

    A line is {"source", "image"} and where the image is to be had, as the source's own tables say: {"url"}, or
    {"archive", "member"}; an image that several sources name in one folder is listed once. Memory is needed for the
    names only. Raises TableError for a damaged table, and OSError.
    """
    seen: dict[tuple[str, ...], set[str]] = {}
    rows = named = there = unaddressed = 0
    last = time.monotonic()
    with atomic_write(path) as partial, partial.open("w", encoding="utf-8") as file:
        for source in sources:
            names = seen.setdefault(_folder(source), set())
            for place, row in _rows(source):
                rows += 1
                for image in _named(source, place, row):
                    if image in names:
                        continue
                    names.add(image)
                    named += 1
                    if source.has_image(image):
                        there += 1
                        continue
                    address = source.address(image, row)
                    unaddressed += not address
                    file.write(
                        json.dumps({"source": source.name, "image": image, **address}, ensure_ascii=False) + "\n"
                    )
                if time.monotonic() - last > SECONDS_BETWEEN_REPORTS:
                    last = time.monotonic()
                    progress = f"{rows:,} rows read, {named - there:,} images missing"
                    print(f"{source.name}: {progress}", file=sys.stderr, flush=True)
    return Count(rows, named, there, unaddressed)


def _folder(source: Source) -> tuple[str, ...]:
    folder = source.image_folder()
    return tuple(map(str, folder.paths)) if folder else ()


def _rows(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    """The usable rows of all tables of a source, with their places."""
    for table in source.tables():
        start = next(table.marks(sys.maxsize))
        for place, row in table.rows(start, sys.maxsize):
            if not isinstance(row, Rejected):
                yield place, row


def _named(source: Source, place: str, row: dict[str, Any]) -> tuple[str, ...]:
    """The images of a row; none if the row is of another split, not selected, or cannot be used."""
    try:
        sample = source.sample(source.row_id(place, row), row)
    except Reject:
        return ()
    return sample.images if sample else ()
