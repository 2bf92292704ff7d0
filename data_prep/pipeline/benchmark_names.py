"""Find benchmark items in training rows by name: items that a row is or descends from, figures and articles.

The names tell what neither the texts nor the images can: that a row is a translation or a rewriting of an item, or
that an item's figure, which may be missing, stands in the row as another file.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.mixture import Mixture
from data_prep.pipeline import read_rows, stage
from data_prep.pipeline.kin import Kin
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder
from data_prep.text.documents import FIGURE


@dataclass
class Named:
    """What a row shares with benchmarks by name.

    Attributes:
        items: the items that the row is or descends from, each as benchmark, \\x1f, and item.
        figures: the benchmarks with one of its figures.
        documents: the benchmarks with an article or a record of its.
    """

    items: list[str] = field(default_factory=list)
    figures: set[str] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)


def find(workdir: BuildFolder, slices: list[Slice], kin: Kin, mixture: Mixture) -> dict[int, Named]:
    """What rows of the mixture's sources share with its benchmarks, by row; rows that share nothing are left out."""
    names = [benchmark.name for benchmark in mixture.benchmarks]
    found: defaultdict[int, Named] = defaultdict(Named)
    if not names:
        return found
    first = len(mixture.sources)
    for row, items in descendants(kin, first, names):
        found[row].items += items
    own: list[pa.Table] = []
    theirs: dict[str, set[str]] = {}
    for rank, part in enumerate(slices):
        table = stage.table(workdir.path(read_rows.STAGE, rank, "arrow"), ["documents"])
        if part.source < first:
            own.append(table)
            continue
        rejected = stage.table(workdir.path(read_rows.STAGE, rank, read_rows.REJECTED), ["documents"])
        for name in pc.list_flatten(pa.concat_tables([table, rejected])["documents"]).unique().to_pylist():
            theirs.setdefault(name, set()).add(names[part.source - first])
    for row, document in _rows_with(pa.concat_tables(own)["documents"], list(theirs)):
        shared = found[row].figures if document.startswith(FIGURE) else found[row].documents
        shared |= theirs[document]
    return found


def descendants(kin: Kin, first: int, names: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of the sources that has an item's id or descends from one, with all such items.

    `names` are those of the benchmarks; the rows of the first one have the source `first`.
    """
    made = kin.families
    of: defaultdict[int, set[str]] = defaultdict(set)
    for row in np.flatnonzero(kin.source >= first).tolist():
        of[int(made.own[row])].add(names[kin.source[row] - first])
    is_item = np.zeros(len(made.ids), bool)
    is_item[list(of)] = True
    nearest = made.nearest(is_item)
    own, parent = made.own[: kin.count], made.parent[: kin.count]
    by_parent = np.where(parent >= 0, nearest[parent], -1)
    start = np.where(is_item[own], own, by_parent)
    for row in np.flatnonzero(start >= 0).tolist():
        items: dict[str, None] = {}
        seen: set[int] = set()
        for origin in (int(start[row]), int(by_parent[row])):
            here = origin
            while here >= 0 and here not in seen:
                seen.add(here)
                items |= dict.fromkeys(f"{name}\x1f{made.ids[here].as_py()}" for name in sorted(of[here]))
                here = int(nearest[made.up[here]]) if made.up[here] >= 0 else -1
        yield row, list(items)


def _rows_with(lists: pa.ChunkedArray, wanted: list[str]) -> Iterator[tuple[int, str]]:
    """The place of each list that holds a wanted value, with the value."""
    combined = lists.combine_chunks()
    values = pc.list_flatten(combined)
    hits = pc.is_in(values, value_set=pa.array(wanted, pa.string()))
    rows = pc.list_parent_indices(combined).filter(hits)
    yield from zip(rows.to_pylist(), values.filter(hits).to_pylist(), strict=True)
