"""Rows that parents, groups and images link, as tables of the pipeline."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from data_prep.pipeline.kin import SCHEMA, Kin


class Link(NamedTuple):
    """One row: its links to others, the split of the rule that names it, and the index of its source."""

    id: str
    parent: str | None = None
    group: str = ""
    images: tuple[str, ...] = ()
    named: str | None = None
    source: int = 0


def kin_of(rows, others=()):
    """The links of rows, and after them of others that are in no dataset; images of one name are one image."""
    linked = [*rows, *others]
    table = pa.Table.from_pylist([{name: getattr(row, name) for name in SCHEMA.names} for row in linked], SCHEMA)
    names = sorted({name for row in rows for name in row.images})
    pairs = [(place, names.index(name)) for place, row in enumerate(rows) for name in row.images]
    images = np.array(pairs, np.int64).reshape(-1, 2).T
    return Kin(table, len(rows), np.array([row.source for row in linked], np.int64), images)
