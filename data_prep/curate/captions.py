"""Captions of images and their mentions in the text, from a file beside the rows.

A line or list entry is {"pair_id" or "image" or "id", "fig_caption" or "caption", "in_text_mention" or "mentions"}, as
LLaVA-Med publishes them; mentions are a text, a list of texts, or a list of {"tokens": text}.
"""

from pathlib import Path
from typing import Any

from data_prep.curate.items import Item
from data_prep.rows import Rejected, text_by_role
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import all_rows

_IDS, _CAPTIONS, _MENTIONS = ("pair_id", "image", "id"), ("fig_caption", "caption"), ("in_text_mention", "mentions")


class Captions:
    """The captions of a file, by the stem of the image's name; without a file, rows that are captions have one."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file. Raises TableError."""
        self._by_stem: dict[str, dict[str, Any]] = {}
        for _, row in all_rows(JsonTable(path)) if path else ():
            if not isinstance(row, Rejected) and (stem := Path(_first(row, _IDS) or "").stem):
                self._by_stem[stem] = {"caption": _first(row, _CAPTIONS) or "", "mentions": _mentions(row)}

    def context(self, item: Item) -> dict[str, Any]:
        """{"caption", "mentions"} of a row's image; empty if there is no caption."""
        sample = item.sample
        stems = [Path(name).stem for name in sample.images[:1]]
        for stem in (*stems, sample.id, sample.id.rpartition("-")[2]):
            if stem in self._by_stem:
                return self._by_stem[stem]
        if sample.task == "caption" and len(sample.messages) == 2:
            return {"caption": text_by_role(sample.messages, "assistant"), "mentions": []}
        return {}


def _first(row: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((row[name] for name in names if isinstance(row.get(name), str)), None)


def _mentions(row: dict[str, Any]) -> list[str]:
    given: Any = next((row[name] for name in _MENTIONS if row.get(name)), [])
    listed = given if isinstance(given, list) else [given]
    texts = [one.get("tokens") if isinstance(one, dict) else one for one in listed]
    return [text for text in texts if isinstance(text, str) and text.strip()]
