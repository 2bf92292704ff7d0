"""Which row was made from which: ids and parents as numbers, followed through any number of steps."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_COPY = r"#\d+$"
"""The end of the id of a second copy of a row, which the row's own id lacks."""


@dataclass(frozen=True)
class Families:
    """The ids that rows have and the parents that they name, each numbered once.

    Attributes:
        ids: the id of each number.
        own: the number of each row's id.
        parent: the number of each row's parent, or -1.
        up: for each number that of its parent, or -1; of several rows with one id, the first with a parent counts.
        known: for each number whether a row has this id.
    """

    ids: pa.Array
    own: np.ndarray
    parent: np.ndarray
    up: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, ids: pa.ChunkedArray, parents: pa.ChunkedArray) -> "Families":
        """Number the ids and parents of rows. A parent that is no row's id, but that of a copy, is the copied row.

        An empty parent is none.
        """
        parents = pc.if_else(pc.equal(parents, ""), None, parents)
        bases = pc.replace_substring_regex(parents, _COPY, "")
        named = pc.if_else(pc.is_in(parents, value_set=ids), parents, bases)
        numbers, distinct = encoded(pa.chunked_array([*ids.chunks, *named.chunks], pa.string()))
        own, parent = numbers[: len(ids)], numbers[len(ids) :]
        up, known = np.full(len(distinct), -1), np.zeros(len(distinct), bool)
        children = np.flatnonzero(parent >= 0)[::-1]  # of assignments to one place the last counts
        up[own[children]] = parent[children]
        known[own] = True
        return cls(distinct, own, parent, up, known)

    def nearest(self, marked: np.ndarray) -> np.ndarray:
        """For each number the first marked one among itself, its parent, and so on, or -1."""
        numbers = np.arange(len(self.up))
        ends = _ends(np.where(marked | (self.up < 0), numbers, self.up))
        return np.where(marked[ends], ends, -1)

    def cycles(self) -> list[list[int]]:
        """The cycles of parents, each as numbers from a row to its parent; a row that is its own parent is one."""
        ends = _ends(np.where(self.up < 0, np.arange(len(self.up)), self.up))
        left = dict.fromkeys(np.unique(ends[self.up[ends] >= 0]).tolist())
        found: list[list[int]] = []
        while left:
            number = next(iter(left))
            found.append([])
            while number in left:
                del left[number]
                found[-1].append(number)
                number = int(self.up[number])
        return found


def encoded(values: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """The number of each value, -1 for null, and the distinct values by number."""
    distinct = values.drop_null().unique()  # chunks of a dictionary array are compared pair by pair: quadratic
    numbers = pc.index_in(values, value_set=distinct).fill_null(-1)
    return numbers.to_numpy().astype(np.int64), distinct


def _ends(step: np.ndarray) -> np.ndarray:
    """Where each number's way ends, or a place in the cycle that it leads into: as many steps as there are numbers.

    Doubling the steps takes time in the logarithm of the longest way, and a cycle does not hold it up.
    """
    for _ in range(len(step).bit_length()):
        further = step[step]
        if np.array_equal(further, step):
            break
        step = further
    return step
