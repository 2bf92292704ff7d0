"""What links rows to each other: id, parent, patient or article, and images, of all rows that were read."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_prep.pipeline import load_images, read_rows, row_columns, stage
from data_prep.pipeline.families import Families
from data_prep.pipeline.slices import Slice
from data_prep.pipeline.stage import BuildFolder
from data_prep.sources.source import Source

_LINKS = ["id", "parent", "group"]
SCHEMA = pa.schema([row_columns.SCHEMA.field(name) for name in (*_LINKS, "named", "images")])
_EXAMPLES = 3


@dataclass(frozen=True)
class Kin:
    """The rows of the mixture's sources, and after them those that only link others.

    Attributes:
        table: the rows by the columns of SCHEMA: first the `count` rows of the sources, in order, then the rejected
            ones and those of the benchmarks, without images and, of benchmarks, without groups.
        source: the index of each row's source; benchmarks follow the sources.
        images: pairs of a row and the number of one of its images, equal for equal keys: shape (2, pairs).
    """

    table: pa.Table
    count: int
    source: np.ndarray
    images: np.ndarray

    @cached_property
    def families(self) -> Families:
        """The rows' ids and parents."""
        return Families.of(self.table["id"], self.table["parent"])


def load(workdir: BuildFolder, slices: list[Slice], sources: int, tasks: int) -> Kin:
    """Read what the stages before wrote of these slices, the first `sources` of whose sources are the mixture's."""
    first: list[pa.Table] = []
    others: list[pa.Table] = []
    places: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for rank, part in enumerate(slices):
        of_source = part.source < sources
        path = workdir.path(read_rows.STAGE, rank, "arrow")
        usable = stage.table(path, SCHEMA.names if of_source else _LINKS)
        rejected = stage.table(workdir.path(read_rows.STAGE, rank, read_rows.REJECTED), _LINKS)
        for table, is_first in ((usable, of_source), (rejected, False)):
            (first if is_first else others).append(table if of_source else _without_group(table))
            places[is_first].append(np.full(table.num_rows, part.source))
    rows = pa.concat_tables([SCHEMA.empty_table(), *first, *others], promote_options="default")
    source = np.concatenate([np.empty(0, np.int64), *places[True], *places[False]])
    count = sum(table.num_rows for table in first)
    index = load_images.index(workdir, tasks, ["source", "name", "key"])
    return Kin(rows, count, source, _images(rows["images"][:count], source, index))


def parents(kin: Kin, sources: list[Source]) -> dict[str, Any]:
    """What is wrong with the parents: rows whose parent is nowhere, by source, and cycles of parents.

    Rows of sources whose parents may be in another dataset are counted apart, as `elsewhere`. A cycle starts from its
    first id in alphabetical order.
    """
    made = kin.families
    parent = made.parent[: kin.count]
    absent = np.flatnonzero((parent >= 0) & ~made.known[parent])
    names = [source.name for source in sources]
    counts = Counter(names[source] for source in kin.source[absent].tolist())
    examples: dict[str, list[str]] = {name: [] for name in counts}
    for row in absent.tolist():
        listed = examples[names[kin.source[row]]]
        if len(listed) < _EXAMPLES:
            listed.append(made.ids[int(parent[row])].as_py())
    cycles = [_rotated([made.ids[number].as_py() for number in cycle]) for cycle in made.cycles()]
    apart = {source.name for source in sources if source.PARENTS_ELSEWHERE}
    lacking = [{"source": name, "rows": counts[name], "examples": examples[name]} for name in sorted(counts)]
    return {
        "absent": [entry for entry in lacking if entry["source"] not in apart],
        "elsewhere": [entry for entry in lacking if entry["source"] in apart],
        "cycles": {"number": len(cycles), "ids": sum(map(len, cycles)), "first": min(cycles, default=[])},
    }


def _rotated(ids: list[str]) -> list[str]:
    start = ids.index(min(ids))
    return ids[start:] + ids[:start]


def _without_group(table: pa.Table) -> pa.Table:
    empty = pa.array([""] * table.num_rows, pa.string())
    return table.set_column(table.schema.get_field_index("group"), "group", empty)


def _images(names: pa.ChunkedArray, source: np.ndarray, index: pa.Table) -> np.ndarray:
    """The pairs of rows and images. An image that could not be read is told from others by its source and name."""
    empty = np.empty((2, 0), np.int64)
    if not index.num_rows:
        return empty
    alone = pc.binary_join_element_wise(pc.cast(index["source"], pa.string()), index["name"], " ")
    keys = pc.coalesce(index["key"], alone).combine_chunks().dictionary_encode().indices.to_numpy()
    of = index["source"].to_numpy()
    lists = names.combine_chunks()
    rows, flat = pc.list_parent_indices(lists).to_numpy(), pc.list_flatten(lists)
    pairs = [empty]
    for number in np.unique(of):
        known = np.flatnonzero(of == number)
        mine = np.flatnonzero(source[rows] == number)
        place = pc.index_in(flat.take(pa.array(mine)), value_set=index["name"].take(pa.array(known)).combine_chunks())
        pairs.append(np.stack([rows[mine], keys[known][place.to_numpy()]]))
    return np.concatenate(pairs, axis=1)
