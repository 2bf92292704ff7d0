"""The split of each row: that of a rule, of its source, of its parent, or one drawn for its whole family.

A family is what parents, patients or articles (`Sample.group`) and images connect, over all sources and any number of
steps; rows that are left out connect the others all the same. In a mixture that draws no share, parents alone connect.

A row is in the split of the first rule that names it, or else in the one that its source has as `into`. A row with
neither is in the split that holds it out in the dataset that it is read from (`Sample.split`); or else in the split of
its nearest ancestor with one; or else in that of its family's rows with one, those held out first: test, then any
other name, then validation, then train; or else where its family is drawn, or in train. A family is drawn unless it
has a row whose source has `into`; of the rules that name one of its rows or draw it, the first of the mixture decides.

A family is drawn by its name, once for each rule, so that the share of families is unbiased. Its name is the first, in
alphabetical order, of its groups; without groups, of its images' names, and without images, of its rows' ids; names
of rows that have a parent here count last. So a family of one group, or of one row, has that name.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data_prep.mixture import Mixture
from data_prep.pipeline.families import encoded
from data_prep.pipeline.kin import Kin

DEFAULT = "train"
_HELD_OUT_FIRST = {"test": 0, "validation": 2, "train": 3}
_OTHER = 1


def splits(kin: Kin, mixture: Mixture) -> tuple[np.ndarray, list[str]]:
    """The number of the split of each row of the sources, and the names of the splits by number."""
    into = [entry.into for entry in mixture.entries]
    named, known = encoded(kin.table["named"])
    held_out = known.to_pylist()
    names = list(dict.fromkeys([*mixture.splits, *(name for name in into if name), *sorted(held_out), DEFAULT]))
    none = len(names)
    by_source = np.array([none if name is None else names.index(name) for name in into])
    published = by_source[np.minimum(kin.source, len(into) - 1)]
    published[kin.source >= len(into)] = none
    by_rule = np.array([*map(names.index, held_out), none])[named]
    of_a_rule = np.array([*(name in mixture.splits for name in held_out), False])[named]
    by_rule = np.where(of_a_rule | (published == none), by_rule, none)
    placed = np.where(by_rule < none, by_rule, published)
    placed = np.where(placed < none, placed, _inherited(kin, placed, none))
    family = _families(kin, mixture)
    is_published = np.zeros(family.max(initial=-1) + 1, bool)
    is_published[family[published < none]] = True
    drawn = _drawn(kin, family, is_published, mixture, names)[family]
    first = np.where(is_published[family], _held_out(family, placed, names), _smallest(family, placed, none))
    found = np.minimum(np.where(placed < none, placed, first), drawn)
    found = np.where(published < none, placed, found)
    return np.where(found < none, found, names.index(DEFAULT))[: kin.count], names


def _inherited(kin: Kin, placed: np.ndarray, none: int) -> np.ndarray:
    """The split of each row's nearest ancestor that has one, or `none`."""
    made = kin.families
    by_id = np.full(len(made.ids), none)
    rows = np.flatnonzero(placed < none)[::-1]  # of several rows with one id the first counts
    by_id[made.own[rows]] = placed[rows]
    nearest = made.nearest(by_id < none)
    ancestor = np.where(made.parent >= 0, nearest[made.parent], -1)
    return np.where(ancestor >= 0, by_id[ancestor], none)


def _families(kin: Kin, mixture: Mixture) -> np.ndarray:
    """The number of each row's family: rows are connected through nodes for parents, groups and images."""
    made = kin.families
    rows, nodes = len(kin.source), len(kin.source) + len(made.ids)
    is_parent = np.zeros(len(made.ids), bool)
    is_parent[made.parent[made.parent >= 0]] = True
    children, parents = np.flatnonzero(made.parent >= 0), np.flatnonzero(is_parent[made.own])
    edges = [(children, rows + made.parent[children]), (parents, rows + made.own[parents])]
    if mixture.draws:
        group, known = encoded(kin.table["group"])
        grouped = np.flatnonzero(_has_group(kin))
        row, image = kin.images
        edges += [(grouped, nodes + group[grouped]), (row, nodes + len(known) + image)]
        nodes += len(known) + image.max(initial=-1) + 1
    start, end = np.concatenate([np.stack(pair) for pair in edges], axis=1)
    graph = coo_array((np.ones(len(start), bool), (start, end)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1][:rows]


def _drawn(kin: Kin, family: np.ndarray, is_published: np.ndarray, mixture: Mixture, names: list[str]) -> np.ndarray:
    """The split that is drawn for each family, or the number of splits for none."""
    found = np.full(len(is_published), len(names))
    if not mixture.draws:
        return found
    row, kind, name, known = _family_names(kin)
    free = ~is_published[family[row]]
    row, kind, name = row[free], kind[free], name[free]
    made = kin.families
    has_parent = np.where(made.parent >= 0, made.known[made.parent], False)
    order = np.lexsort((name, has_parent[row], kind, family[row]))
    families, first = np.unique(family[row][order], return_index=True)
    names_of_families = known.take(pa.array(name[order[first]])).to_pylist()
    for number, taken in zip(families.tolist(), map(mixture.drawn, names_of_families), strict=True):
        if taken is not None:
            found[number] = names.index(taken)
    return found


def _family_names(kin: Kin) -> tuple[np.ndarray, np.ndarray, np.ndarray, pa.Array]:
    """Row, kind (0 for groups, 1 for images, 2 for ids), and number of each candidate; the names in order."""
    grouped = _has_group(kin)
    images = kin.table["images"].combine_chunks()
    sizes = pc.fill_null(pc.list_value_length(images), 0).to_numpy(zero_copy_only=False)
    places = [grouped, ~grouped & (sizes > 0), ~grouped & (sizes == 0)]
    rows = [np.flatnonzero(place) for place in places]
    rows[1] = np.repeat(rows[1], sizes[rows[1]])
    columns = [kin.table["group"], images, kin.table["id"]]
    parts = [column.filter(pa.array(place)) for column, place in zip(columns, places, strict=True)]
    parts[1] = pc.list_flatten(parts[1])
    flat = [chunk for part in parts for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
    code, known = encoded(pa.chunked_array(flat, pa.string()))
    order = pc.sort_indices(known)
    rank = np.empty(len(known), np.int64)
    rank[order.to_numpy()] = np.arange(len(known))
    kind = np.repeat([0, 1, 2], [len(part) for part in rows])
    return np.concatenate(rows), kind, rank[code], known.take(order)


def _has_group(kin: Kin) -> np.ndarray:
    grouped: np.ndarray = pc.fill_null(pc.not_equal(kin.table["group"], ""), False).to_numpy()
    return grouped


def _smallest(family: np.ndarray, placed: np.ndarray, none: int) -> np.ndarray:
    """The smallest number of a split in each row's family."""
    found = np.full(family.max(initial=-1) + 1, none)
    np.minimum.at(found, family, placed)
    return found[family]


def _held_out(family: np.ndarray, placed: np.ndarray, names: list[str]) -> np.ndarray:
    """The split in each row's family that is first by held-out order, then by name."""
    order = sorted(names, key=lambda name: (_HELD_OUT_FIRST.get(name, _OTHER), name))
    rank = np.array([*map(order.index, names), len(names)])
    by_rank = np.array([*map(names.index, order), len(names)])
    return by_rank[_smallest(family, rank[placed], len(names))]
