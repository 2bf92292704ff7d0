import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.tables import json_object
from data_prep.tables.json_object import pairs
from data_prep.tables.table import TableError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
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
        patch.setattr(json_object, "BLOCK", block)
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
