"""Pickles as tables, and rows that a function makes."""

import datetime
import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Rejected
from data_prep.tables import pickles
from data_prep.tables.pickles import PickleTable
from data_prep.tables.table import GeneratedTable, TableError
from tests.helpers.table_slices import one_pass, rows_of

ROW = {"img_id": "train_0422", "label": {"نعم": 1}, "question_id": 1, "sent": "is it?"}
PYTHON_2 = b"(lp0\n(dp1\nS'sent'\np2\nS'%s'\np3\nsa."

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def table(tmp_path, data):
    path = tmp_path / "train_vqa.pkl"
    path.write_bytes(data)
    return PickleTable(path)


@given(st.lists(st.dictionaries(st.text(max_size=3), plain, max_size=3), max_size=8), st.integers(0, 5))
def test_slices_of_any_pickle_are_its_rows(tmp_path_factory, rows, protocol):
    found = one_pass(table(tmp_path_factory.mktemp("pickle"), pickle.dumps(rows, protocol)))
    assert found == [(f"item {number}", row) for number, row in enumerate(rows, start=1)]


@pytest.mark.parametrize("protocol", range(6))
def test_plain_containers_are_read(tmp_path, protocol):
    row = {
        "set": {1, 2},
        "frozen": frozenset({3}),
        "ordered": OrderedDict(a=1),
        "bytes": b"\xff",
        "none": b"",
        "big": 1 << 99,
    }
    assert rows_of(table(tmp_path, pickle.dumps([row], protocol))) == [row]


@pytest.mark.parametrize("text, read", [("نعم".encode(), "نعم"), (b"na\\xefve", "naïve"), (b"yes", "yes")])
def test_text_of_python_2_is_utf_8_or_latin_1(tmp_path, text, read):
    written = "".join(f"\\x{byte:02x}" for byte in text).encode() if text[0] > 127 else text
    assert rows_of(table(tmp_path, PYTHON_2 % written)) == [{"sent": read}]


def test_a_set_of_python_2_is_read(tmp_path):
    assert rows_of(table(tmp_path, b"(lp0\n(dp1\nS'a'\nc__builtin__\nset\n((lp2\nI1\natRsa.")) == [{"a": {1}}]


class Calls:
    """Pickled as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    "call, name",
    [
        (Calls(os.mkdir, "made"), "mkdir"),
        (Calls(eval, "__import__('os').mkdir('made')"), "eval"),
        (Calls(getattr, 1, "real"), "getattr"),
        (datetime.date(2020, 1, 1), "datetime.date"),
    ],
)
def test_a_pickle_that_calls_a_function_is_refused_and_nothing_runs(tmp_path, monkeypatch, call, name, protocol):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps([ROW, {"a": call}], protocol)
    with pytest.raises(TableError, match=rf"train_vqa\.pkl: the pickle calls .*{name}, which was not run"):
        list(table(tmp_path, data).marks(10))
    assert [path.name for path in tmp_path.iterdir()] == ["train_vqa.pkl"]


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "empty"),
        (pickle.dumps([ROW])[:-1], "not a complete pickle"),
        (pickle.dumps([ROW])[:20], "not a complete pickle"),
        (b'[{"a": 1}]', "not a complete pickle"),
        (pickle.dumps([ROW]) * 2, "goes on after its first object"),
        (pickle.dumps({"yes": 0}), "a pickled dict instead of a list"),
        (pickle.dumps(7), "a pickled int instead of a list"),
        (b"\x80\x02\x82\x01.", "not a complete pickle"),
        (b"\x80\x02]\x8a\xff" + b"1" * 9, "not a complete pickle"),
        (b"<html>", "web page"),
    ],
)
def test_what_is_no_pickled_list_is_refused(tmp_path, data, says):
    with pytest.raises(TableError, match=says) as error:
        list(table(tmp_path, data).marks(10))
    assert str(error.value).startswith(str(tmp_path / "train_vqa.pkl"))


def test_a_number_that_a_pickle_gives_costs_no_memory(tmp_path):
    tracemalloc.start()
    assert rows_of(table(tmp_path, b"\x80\x04]r" + struct.pack("<I", 100_000_000) + b".")) == []
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_pickle_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_BYTES", 20)
    with pytest.raises(TableError, match="bytes, at most 20 for a pickle; export it as JSON Lines"):
        list(table(tmp_path, pickle.dumps([ROW])).marks(10))


def test_a_bad_row_is_named_and_the_rows_after_it_are_read(tmp_path):
    first, number, keys, last = rows_of(table(tmp_path, pickle.dumps([ROW, 7, {1: 2}, ROW])))
    assert first == last == ROW
    assert number == Rejected("item 2", "bad_row", f"{tmp_path}/train_vqa.pkl: item 2: int instead of a dict")
    assert "item 3: a key that is no text" in keys.detail


def test_rows_that_a_function_makes(tmp_path):
    rows = [("study 1", {"a": 1}), ("study 2", Rejected("study 2", "bad_row", "why")), ("study 3", {"a": 3})]
    assert one_pass(GeneratedTable(tmp_path / "file", lambda: iter(rows))) == rows
    assert one_pass(GeneratedTable(tmp_path / "file", lambda: iter(()))) == []
