"""JSON lists and JSON Lines as tables."""

import json
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Rejected
from data_prep.tables import json_file, json_scanner
from data_prep.tables.json_file import JsonTable
from data_prep.tables.table import TableError, all_rows
from tests.helpers.table_slices import in_slices, one_pass, rows_of

ROWS = [{"id": "one", "text": "What?"}, {"id": "two", "text": 'نعم\u2028\u0085 [}] \\ "'}]
BOM = b"\xef\xbb\xbf"

texts = st.text(st.sampled_from('ab"\\[]{},: \n\u2028نعم🩻'), max_size=8)
rows = st.dictionaries(texts, texts | st.integers() | st.none() | st.lists(texts, max_size=3), max_size=3)
blanks = st.text(st.sampled_from(" \t\n\r"), max_size=3)


def table(tmp_path, data):
    path = tmp_path / "table.json"
    path.write_bytes(data)
    return JsonTable(path)


def lines(rows, end="\n"):
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode()


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(ROWS).encode(),
        json.dumps(ROWS, indent=1, ensure_ascii=False).encode() + b"\r\n",
        lines(ROWS),
        lines(ROWS, "\r\n"),
        lines(ROWS).rstrip(b"\n"),
        lines(ROWS) + b"\n \n",
        BOM + lines(ROWS),
        BOM + b"\r\n" + json.dumps(ROWS).encode(),
        BOM + b"\r\n" + lines(ROWS, "\r\n\t\r\n"),
    ],
)
def test_lists_and_lines_of_every_make_give_the_same_rows(tmp_path, data):
    assert rows_of(table(tmp_path, data)) == ROWS


@given(
    st.lists(rows | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts),
    blanks,
    st.sampled_from([b"", BOM]),
    st.integers(1, 30),
)
def test_slices_of_any_list_are_its_rows(tmp_path_factory, values, blank, start, block):
    items = f"{blank},{blank}".join(json.dumps(value, ensure_ascii=block % 2 == 0) for value in values)
    data = start + f"{blank}[{blank}{items}{blank}]{blank}".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_scanner, "BLOCK", block)
        found = one_pass(table(tmp_path_factory.mktemp("list"), data))
    assert [place for place, _ in found] == [f"item {number}" for number in range(1, len(values) + 1)]
    assert [row for _, row in found if isinstance(row, dict)] == [value for value in values if isinstance(value, dict)]


@given(st.lists(rows, min_size=1), st.lists(blanks), st.sampled_from([b"", BOM]), st.sampled_from(["\n", "\r\n"]))
def test_slices_of_any_lines_are_their_rows(tmp_path_factory, values, blank, start, end):
    written = [json.dumps(value, ensure_ascii=False) for value in values]
    for number, text in enumerate(blank):
        written.insert(2 * number, text.replace("\n", ""))
    found = one_pass(table(tmp_path_factory.mktemp("lines"), start + end.join(written).encode()))
    wanted = [(f"line {at}", json.loads(text)) for at, text in enumerate(written, start=1) if text.strip()]
    assert found == wanted


@pytest.mark.parametrize(
    "item, what",
    [
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[1, 2]", "list instead of an object"),
        (b"null", "NoneType instead of an object"),
        (b'{"a": ' + b"7" * 5000 + b"}", "4300 digits"),
        (b'{"a": ' + b"[" * 20_000 + b'"]\\"["' + b"]" * 20_000 + b"}", "nested too deeply"),
    ],
)
@pytest.mark.parametrize("form", [b"[%s,\n%s,%s]", b"%s\n%s\n%s\n"])
def test_a_bad_row_is_named_and_the_rows_after_it_are_read(tmp_path, form, item, what):
    good = b'{"a": 1}'
    (_, first), (place, bad), (_, last) = one_pass(table(tmp_path, form % (good, item, good)))
    assert first == last == {"a": 1}
    assert isinstance(bad, Rejected) and (bad.id, bad.reason) == (place, "bad_json")
    assert f"table.json: {place}: " in bad.detail and what in bad.detail


@pytest.mark.parametrize("data", [b"[%s]", b"[%s ]", b'[%s, {"a": 1}]'])
def test_a_bad_row_ends_where_the_next_begins(tmp_path, data):
    found = rows_of(table(tmp_path, data % (b"7" * 5000)))
    assert "4300 digits" in found[0].detail and found[1:] == [{"a": 1}] * data.count(b"a")


@pytest.mark.parametrize("line", [b'{"id": "x", "conv', b'"text"', b"\xff\xfe{}", b"null", b"x", b'{"a": 1} 2'])
def test_a_line_that_is_no_json_is_named(tmp_path, line):
    found = dict(one_pass(table(tmp_path, line + b"\n\n" + lines(ROWS))))
    assert found.pop("line 1").reason == "bad_json"
    assert found == {"line 3": ROWS[0], "line 4": ROWS[1]}


def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(json_file, "MAX_LINE", 20)
    long = lines([{"a": "x" * 90}])
    bad, good = rows_of(table(tmp_path, long + b'{"a": 1}\n'))
    assert "more than 20 bytes" in bad.detail and good == {"a": 1}
    assert [row.reason for row in rows_of(table(tmp_path, b'{"a": 1}\n' + long.strip()))[1:]] == ["bad_json"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_not_is_nothing(tmp_path, value):
    assert rows_of(table(tmp_path, b'[{"a": %s}]' % value.encode())) == [{"a": None}]


def test_the_last_of_two_equal_keys_counts(tmp_path):
    assert rows_of(table(tmp_path, b'{"a": 1, "a": 2}')) == [{"a": 2}]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(ROWS).encode()[:-1],
        json.dumps(ROWS).encode()[:-9],
        b"[",
        b'[{"a": 1},',
        b'[{"a": 1},]',
        b'[{"a": 1} {"a": 2}]',
        b'[{"a": 1}}',
        b"[{'a': 1}]",
        b'[{"a": 1}]\n[{"a": 2}]',
        b'[{"a": 1}]\0',
        b"[[1, 2], 3.5.6]",
        b'["\xd9',
    ],
)
def test_a_list_that_is_not_complete_is_refused(tmp_path, data):
    with pytest.raises(TableError, match=r"table\.json: not a complete JSON list .*download or export it again"):
        list(table(tmp_path, data).marks(10))


def test_an_item_without_end_is_refused_before_the_file_is_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_scanner, "BLOCK", 100)
    monkeypatch.setattr(json_scanner, "MAX_VALUE", 1000)
    file = table(tmp_path, b'[{"a": 1}, {"a": "' + b"x" * 100_000)
    tracemalloc.start()
    with pytest.raises(TableError, match=r"item 2, at byte 11: Unterminated"):
        list(file.marks(1))
    assert tracemalloc.get_traced_memory()[1] < 90_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "empty"),
        (b"\n \n", "neither a JSON list nor JSON Lines"),
        (b"<!DOCTYPE html><p>404", "web page"),
        (json.dumps(ROWS).encode("utf-16"), "iconv -f UTF-16"),
        (json.dumps(ROWS).encode("utf-32-le"), "not a text file"),
        (b"\x1f\x8b\x08", "gunzip"),
        (b"PK\x03\x04 data.json", "a zip file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b'{\n  "a": 1\n}\n', "neither a JSON list nor JSON Lines"),
        (b"id,text\n1,a\n", "neither a JSON list nor JSON Lines"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, data, says):
    with pytest.raises(TableError, match=says) as error:
        next(table(tmp_path, data).marks(10))
    assert str(error.value).startswith(str(tmp_path / "table.json"))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TableError, match="there is no such file"):
        next(JsonTable(tmp_path / "gone.json").marks(10))


def test_an_empty_list_has_no_rows(tmp_path):
    assert rows_of(table(tmp_path, b"[ ]\n")) == []


def test_a_long_list_is_read_in_little_memory(tmp_path):
    row = json.dumps({"id": "x", "text": "نعم " * 100}).encode()
    file = table(tmp_path, b"[" + b",\n".join([row] * 12_000) + b"]")
    assert file.path.stat().st_size > 20_000_000
    tracemalloc.start()
    marks = list(file.marks(4_000))
    counts = [sum(1 for _ in file.rows(start, end.row - start.row)) for start, end in pairwise(marks)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counts == [4_000, 4_000, 4_000]
    assert peak < 4_000_000


def test_a_slice_reads_nothing_before_it(tmp_path):
    file = table(tmp_path, json.dumps([{"a": number} for number in range(100)]).encode())
    *_, last, _ = file.marks(10)
    data = file.path.read_bytes()
    file.path.write_bytes(data[:1] + b"x" * (last.offset - 1) + data[last.offset :])
    assert [row["a"] for _, row in file.rows(last, 5)] == [90, 91, 92, 93, 94]


def test_slices_and_one_pass_of_a_file_longer_than_a_block(tmp_path):
    values = [{"a": "س" * (number % 50)} for number in range(10_000)]
    file = table(tmp_path, json.dumps(values, ensure_ascii=False).encode())
    assert [row for _, row in in_slices(file, 999)] == values == [row for _, row in all_rows(file)]
