"""Parents, followed through any number of steps."""

import time
from itertools import batched, pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from data_prep.pipeline.families import Families, encoded

NAMES = st.sampled_from("abcdefgh")


def families(rows):
    """The families of pairs of an id and a parent."""
    ids, parents = zip(*rows, strict=True)
    return Families.of(pa.chunked_array([ids], pa.string()), pa.chunked_array([parents], pa.string()))


def nearest(rows, marked):
    """The nearest marked ancestor of each id, itself included."""
    made = families(rows)
    ids = made.ids.to_pylist()
    found = made.nearest(np.array([one in marked for one in ids]))
    return {one: ids[place] if place >= 0 else None for one, place in zip(ids, found, strict=True)}


@given(st.dictionaries(NAMES, st.none() | NAMES, min_size=1), st.sets(NAMES))
def test_the_nearest_marked_ancestor_is_found_and_cycles_end(parents, marked):
    found = nearest(list(parents.items()), marked)
    for name in parents:
        here, seen = name, set()
        while here is not None and here not in marked and here not in seen:
            seen.add(here)
            here = parents.get(here)
        assert found[name] == (here if here in marked else None)


@given(st.dictionaries(NAMES, st.none() | NAMES, min_size=1))
def test_the_cycles_are_those_that_a_walk_finds(parents):
    on_cycle = set()
    for name in parents:
        here, seen = parents[name], []
        while here is not None and here not in seen:
            seen.append(here)
            here = parents.get(here)
        on_cycle |= {name} if name in seen else set()
    made = families(list(parents.items()))
    cycles = [[made.ids[number].as_py() for number in cycle] for cycle in made.cycles()]
    assert sorted(name for cycle in cycles for name in cycle) == sorted(on_cycle)
    for cycle in cycles:
        assert [parents[name] for name in cycle] == [*cycle[1:], cycle[0]]


def test_a_row_that_is_its_own_parent_is_a_cycle():
    made = families([("a", "a"), ("b", "a"), ("c", None)])
    assert [[made.ids[number].as_py() for number in cycle] for cycle in made.cycles()] == [["a"]]


def test_the_parent_of_a_row_may_be_named_by_one_of_its_copies():
    rows = [("one", None), ("case#2", None), ("child", "one#2"), ("other", "case#2"), ("orphan", "gone#3")]
    found = nearest(rows, {"one", "case#2", "gone"})
    assert (found["child"], found["other"], found["orphan"]) == ("one", "case#2", "gone")


def test_a_row_without_a_parent_may_say_so_by_an_empty_text():
    assert families([("a", ""), ("b", None), ("", "a")]).parent.tolist() == [-1, -1, 0]


@given(st.lists(st.none() | NAMES), st.data())
def test_numbers_are_the_same_however_the_values_are_cut_into_chunks(values, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)))))
    chunks = [values[start:end] for start, end in pairwise([0, *cuts, len(values)])]
    numbers, distinct = encoded(pa.chunked_array(chunks, pa.string()))
    assert distinct.to_pylist() == list(dict.fromkeys(value for value in values if value is not None))
    assert [distinct[number].as_py() if number >= 0 else None for number in numbers.tolist()] == values


def test_a_million_steps_in_a_thousand_batches_take_no_time():
    number, batch = 1_000_000, 1_000
    ids = [*map(str, range(number))]
    parents = [None, *ids[:-1]]
    start = time.monotonic()
    rows = Families.of(
        pa.chunked_array(batched(ids, batch), pa.string()), pa.chunked_array(batched(parents, batch), pa.string())
    )
    assert (rows.nearest(rows.up < 0) == 0).all() and not rows.cycles()
    assert time.monotonic() - start < 10
