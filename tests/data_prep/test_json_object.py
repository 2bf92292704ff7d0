import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.tables import json_scanner
from data_prep.tables.json_object import pairs
from data_prep.tables.table import TableError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@given(
    content=st.dictionaries(texts, values, max_size=8),
    indent=st.sampled_from([None, 0, 3]),
    ascii=st.booleans(),
    block=st.integers(1, 40),
)
def test_the_pairs_are_those_of_the_whole_file(tmp_path_factory, content, indent, ascii, block):
    path = tmp_path_factory.mktemp("object") / "object.json"
    text = json.dumps(content, indent=indent, ensure_ascii=ascii)
    path.write_text(f" {text}\n", encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_scanner, "BLOCK", block)
        assert list(pairs(path)) == list(json.loads(text).items())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{",
        '{"a"',
        '{"a": ',
        '{"a": 1',
        '{"a": 1,',
        '{"a": 1,}',
        '{"a": 1} x',
        "{1: 2}",
        '{"a": 1 "b": 2}',
        "<html>",
    ],
)
def test_what_is_no_complete_object_is_named(tmp_path, text):
    path = tmp_path / "object.json"
    path.write_text(text)
    with pytest.raises(TableError, match=r"object.json: not a complete JSON object"):
        list(pairs(path))


@pytest.mark.parametrize("number", ["0.5", "15e+300", "1.25E-7", "12345"])
@pytest.mark.parametrize("block", range(1, 12))
def test_a_number_that_the_window_cuts_is_read_whole(tmp_path, monkeypatch, number, block):
    monkeypatch.setattr(json_scanner, "BLOCK", block)
    path = tmp_path / "object.json"
    path.write_text(f'{{"a": {number}}}')
    assert list(pairs(path)) == [("a", json.loads(number))]


def test_what_json_has_not_is_nothing(tmp_path):
    path = tmp_path / "object.json"
    path.write_text('{"a": NaN, "b": -Infinity}')
    assert list(pairs(path)) == [("a", None), ("b", None)]


def test_a_value_without_end_is_refused_before_the_file_is_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_scanner, "BLOCK", 100)
    monkeypatch.setattr(json_scanner, "MAX_VALUE", 1000)
    path = tmp_path / "object.json"
    path.write_text('{"a": "' + "x" * 100_000)
    tracemalloc.start()
    with pytest.raises(TableError, match="Unterminated"):
        list(pairs(path))
    assert tracemalloc.get_traced_memory()[1] < 90_000
    tracemalloc.stop()


def test_text_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "object.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(TableError, match="download it again"):
        list(pairs(path))


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "object.json"
    path.write_text(json.dumps({str(number): {"text": "x" * 2000} for number in range(8000)}))
    tracemalloc.start()
    assert sum(1 for _ in pairs(path)) == 8000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2
