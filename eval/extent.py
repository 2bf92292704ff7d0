"""How much of a split a run asked, and whether images were shown: what each of its scores has to say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.items import Item, Predictions

NOT_SHOWN = "images not shown"


def size_of(items: Sequence[Item], published: int | None) -> dict[str, Any]:
    """Count a benchmark's items for the header, whatever the run's limit.

    Args:
        items: all of them.
        published: how many the split has as published; None if that is not known.

    Returns:
        `items` of its own, `versions` of them in another language, how many have images, and `published`.
    """
    own = [item for item in items if "version_of" not in item.facts]
    return {
        "items": len(own),
        "versions": len(items) - len(own),
        "with_images": sum(bool(item.images) for item in items),
        "published": published,
    }


def wrong_size(name: str, size: Mapping[str, Any]) -> str:
    """Return what to tell where the files have another number of items than the published split; else nothing."""
    if size["published"] in (None, size["items"]):
        return ""
    return (
        f"{name}: its files have {size['items']} items, the published split has {size['published']}. Its scores say "
        "so, and are not set beside published ones. Get its files again, or see whether they are of another release."
    )


@dataclass(frozen=True)
class Extent:
    """What the scores of one run say.

    Attributes:
        own: "40 of 451" where items of the benchmark's own were not answered, or not judged where a judge is needed, or
            the split was not of the published size; else empty.
        versions: the same, of all items together with their versions in another language.
        images: "images not shown" where there are some, and the model was shown none; else empty.
    """

    own: str = ""
    versions: str = ""
    images: str = ""

    @classmethod
    def of(cls, run: Predictions, judged: Collection[str] | None = None) -> Extent:
        """Read it off a predictions file; one of an earlier version does not tell its size, and nothing is said.

        Args:
            run: the predictions.
            judged: the items with a verdict; None where no judge is needed.
        """
        about = run.header.get("benchmark") or run.header.get("data") or {}
        size = about.get("size")
        if not size:
            return cls()
        answered = [line for line in run.lines if not line.error and (judged is None or line.item in judged)]
        own = sum("version_of" not in line.facts for line in answered)
        blind = run.header["images"] == "not shown" and size["with_images"]
        expected = size["published"] or size["items"]
        everything = expected + size["versions"]
        return cls(
            _part(own, size["items"], expected),
            _part(len(answered), size["items"] + size["versions"], everything),
            NOT_SHOWN if blind else "",
        )

    def asked(self, subgroup: Mapping[str, str]) -> str:
        """Return what a score of this subgroup says: versions in another language are scored by language only."""
        return self.versions if "language" in subgroup else self.own


def _part(answered: int, present: int, expected: int) -> str:
    """Return "40 of 451" unless all are answered, and are as many as expected."""
    if answered == present == expected:
        return ""
    return f"{answered} of {max(present, expected)}" if present <= expected else f"{answered} in place of {expected}"
