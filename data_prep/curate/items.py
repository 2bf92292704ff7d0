"""The rows that a step works on: read from its sources, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from data_prep import rows
from data_prep.rows import NOT_SELECTED, Reject, Rejected, Sample
from data_prep.sources.dataset import Dataset
from data_prep.sources.source import Source
from data_prep.tables.table import all_rows

DEFAULT_SPLIT = "train"


@dataclass(frozen=True)
class Input:
    """A source of a step; `into` is the split of its rows that have none of their own."""

    source: Source
    into: str | None = None


@dataclass(frozen=True)
class Item:
    """A row that something is made from.

    Attributes:
        place: the index of its input.
        source: the name of the source that the row comes from.
        split: the split of what is made from it.
        context: {"caption", "mentions"} of its image, or empty.
    """

    place: int
    source: str
    split: str
    sample: Sample
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unusable:
    """A row that nothing can be made from, and why; it stands in the ledger."""

    place: int
    source: str
    rejected: Rejected


def items(inputs: list[Input], max_characters: int) -> Iterator[Item | Unusable]:
    """Yield the rows of the inputs in order, without those that the sources do not select."""
    for place, given in enumerate(inputs):
        for table in given.source.tables():
            for where, raw in all_rows(table):
                made = _item(place, given, where, raw, max_characters)
                if made is not None:
                    yield made


def _item(
    place: int, given: Input, where: str, raw: dict[str, Any] | Rejected, max_characters: int
) -> Item | Unusable | None:
    source = given.source
    row_id = f"{source.name} {where}"
    if isinstance(raw, Rejected):
        return Unusable(place, source.name, Rejected(row_id, raw.reason, raw.detail))
    name = str(raw["source"]) if isinstance(source, Dataset) else source.name
    try:
        row_id = source.row_id(where, raw)
        sample = source.sample(row_id, raw)
        if sample is None:
            return None
        if not sample.id.strip():
            raise Reject("bad_row", f"{where}: a row without an id: what is made from it would have no parent")
        rows.check_length(sample.messages, max_characters, "limits.characters")
        rows.check(sample.messages, len(sample.images))
    except Reject as reject:
        if reject.reason == NOT_SELECTED:
            return None
        return Unusable(place, name, Rejected(row_id, reject.reason, reject.detail))
    return Item(place, name, given.into or sample.split or DEFAULT_SPLIT, sample)
