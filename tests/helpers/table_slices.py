"""Read a table in slices, and hold it to what every table promises."""

from itertools import pairwise

from data_prep.tables.table import all_rows


def one_pass(table):
    """The places and rows of a table, after checking that its slices of any length give the same."""
    whole = list(all_rows(table))
    for every in (1, 2, 3, len(whole), len(whole) + 1):
        if every:
            assert in_slices(table, every) == whole
    return whole


def in_slices(table, every):
    """The places and rows of all slices of `every` rows, the last slice first."""
    marks = list(table.marks(every))
    total = marks[-1].row
    assert [mark.row for mark in marks] == [*range(0, total, every), total]
    slices = [list(table.rows(start, end.row - start.row)) for start, end in reversed(list(pairwise(marks)))]
    return [row for rows in reversed(slices) for row in rows]


def rows_of(table):
    """The rows alone."""
    return [row for _, row in one_pass(table)]
