"""Which predictions are not independent: those on one image, one claim, one row, or one item in two languages.

Standard errors that take such answers for independent ones are too small, so they are clustered (Miller, 2024, "Adding
Error Bars to Evals", arXiv:2411.00640). A cluster is a connected component of what answers share: each answer is in
one cluster, and answers of different clusters share nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from eval.items import Prediction

Key = tuple[str, str]
Clusters = Mapping[str, str]
"""Item id -> name of its cluster. An item that is not in it is a cluster of its own."""

SHARED = {"claim_id": "claim", "version_of": "item", "row": "row", "parent": "row"}
"""The facts that link an item to others, and what their values name: a claim, an item, or a row of a dataset."""


def clusters_of(lines: Iterable[Prediction]) -> dict[str, str]:
    """Return the cluster of every item; its name is that of its first item.

    `lines` may be of several runs over the same items: what one of them tells of an item holds for the others.
    """
    parents: dict[Key, Key] = {}
    items: dict[Key, None] = {}
    for line in lines:
        item = ("item", line.item)
        items[item] = None
        for key in _shared(line):
            parents[_root(parents, key)] = _root(parents, item)
    names: dict[Key, str] = {}
    return {item: names.setdefault(_root(parents, ("item", item)), item) for _, item in items}


def _shared(line: Prediction) -> Iterator[Key]:
    """What a prediction has in common with others of its cluster."""
    yield from (("image", digest) for digest in line.image_hashes)
    yield from ((kind, str(line.facts[fact])) for fact, kind in SHARED.items() if line.facts.get(fact))


def _root(parents: dict[Key, Key], key: Key) -> Key:
    """The representative of a key's component; the way to it is halved, so that later ones are short."""
    while (parent := parents.setdefault(key, key)) != key:
        parents[key] = key = parents[parent]
    return key
