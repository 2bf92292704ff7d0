"""Captions of images and their mentions in the text, from a file beside the rows.

A line or list entry is {"pair_id" or "image" or "id", "fig_caption" or "caption", "in_text_mention" or "mentions"}, as
LLaVA-Med publishes them; mentions are a text, a list of texts, or a list of {"tokens": text}.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_prep.curate.items import Item
from data_prep.rows import Rejected, text_by_role
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import TableError, all_rows

_IDS, _CAPTIONS, _MENTIONS = ("pair_id", "image", "id"), ("fig_caption", "caption"), ("in_text_mention", "mentions")
_SUFFIX = re.compile(r"\.(?:jpe?g|png|gif|bmp|tiff?|webp|dcm)$", re.IGNORECASE)


class Captions:
    """The captions of a file, by the image's name or path without its suffix, or by the row's id.

    A name without its folder finds a caption if no image in another folder has it too. Without a file, rows that are
    captions have one.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read the file. Raises TableError, also for two captions of one image and for a file without a caption."""
        self._by_name: dict[str, dict[str, Any]] = {}
        whole: dict[str, str] = {}
        short: dict[str, dict[str, Any] | None] = {}
        for place, row in all_rows(JsonTable(path)) if path else ():
            name, caption = ("", None) if isinstance(row, Rejected) else (_name(row), _first(row, _CAPTIONS))
            if isinstance(row, Rejected) or not name or not caption:
                continue
            made = {"caption": caption, "mentions": _mentions(row)}
            if self._by_name.setdefault(name, made) != made:
                raise TableError(f"{path}: {place}: {whole[name]} has another caption of {name}; keep one")
            whole.setdefault(name, place)
            base = name.rpartition("/")[2]
            short[base] = made if short.get(base, made) == made else None
        if path and not self._by_name:
            keys = " and ".join(f"one of {', '.join(names)}" for names in (_IDS, _CAPTIONS))
            raise TableError(f"{path}: no row has {keys}")
        self._by_name = {base: made for base, made in short.items() if made} | self._by_name

    def context(self, item: Item) -> dict[str, Any]:
        """{"caption", "mentions"} of a row's image; empty if there is no caption."""
        sample = item.sample
        for name in _names(sample.images[:1], sample.id):
            if name in self._by_name:
                return self._by_name[name]
        if sample.task == "caption" and len(sample.messages) == 2:
            return {"caption": text_by_role(sample.messages, "assistant"), "mentions": []}
        return {}


def _names(images: tuple[str, ...], row_id: str) -> Iterator[str]:
    """What an image may be called: its path, its name, the row's id, and the parts of the id behind its hyphens."""
    for image in images:
        path = _SUFFIX.sub("", image)
        yield from (path, path.rpartition("/")[2])
    parts = row_id.split("-")
    yield from ("-".join(parts[start:]) for start in range(len(parts)))


def _name(row: dict[str, Any]) -> str:
    return _SUFFIX.sub("", (_first(row, _IDS) or "").strip())


def _first(row: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these values that is a text, or a number such as an id."""
    values = (row.get(name) for name in names)
    return next((str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)), None)


def _mentions(row: dict[str, Any]) -> list[str]:
    given: Any = next((row[name] for name in _MENTIONS if row.get(name)), [])
    listed = given if isinstance(given, list) else [given]
    texts = [one.get("tokens") if isinstance(one, dict) else one for one in listed]
    return [text for text in texts if isinstance(text, str) and text.strip()]
