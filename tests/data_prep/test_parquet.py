"""Parquet files as tables, and the images embedded in them."""

import datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject, Rejected
from data_prep.tables import arrow_values
from data_prep.tables.parquet import ParquetTable, image_bytes
from data_prep.tables.table import TableError
from tests.helpers.table_slices import one_pass, rows_of

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def table(tmp_path, data, group=2, **keys):
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(data if isinstance(data, pa.Table) else pa.table(data), path, row_group_size=group)
    return ParquetTable(path, **keys)


def with_images(tmp_path, count=5, kind=IMAGE):
    values = [b"png %d" % number for number in range(count)]
    if kind == IMAGE:
        values = [{"bytes": value, "path": None} for value in values]
    return table(tmp_path, {"image": pa.array(values, kind), "question": [f"سؤال {n}" for n in range(count)]})


@given(st.lists(st.text(max_size=5) | st.none(), max_size=20), st.integers(1, 8), st.integers(1, 5))
def test_slices_of_any_file_are_its_rows(tmp_path_factory, values, group, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_values, "BATCH", batch)
        columns = {"text": pa.array(values, pa.string())}
        found = one_pass(table(tmp_path_factory.mktemp("parquet"), columns, group))
    assert found == [(f"row {number}", {"text": value}) for number, value in enumerate(values, start=1)]


def test_nested_values_are_plain_data(tmp_path):
    rows = [{"choices": {"text": ["a", "ب"], "label": [1, 2]}, "cop": 1}]
    assert rows_of(table(tmp_path, pa.Table.from_pylist(rows))) == rows


@pytest.mark.parametrize("kind", [IMAGE, pa.binary(), pa.large_binary()])
def test_an_image_column_is_read_only_by_row_number(tmp_path, kind):
    file = with_images(tmp_path, kind=kind)
    assert rows_of(file) == [{"question": f"سؤال {number}", "_row": number} for number in range(5)]
    assert [image_bytes(file.path, number) for number in (4, 0, 3, 1, 2)] == [b"png %d" % n for n in (4, 0, 3, 1, 2)]


def test_the_bytes_of_images_are_not_read_with_the_rows(tmp_path):
    image = {"bytes": bytes(4_000_000), "path": None}
    columns = {"image": pa.array([image] * 3, IMAGE), "images": pa.array([[image]] * 3), "n": [1, 2, 3]}
    file = table(tmp_path, columns, group=3)
    before = pa.total_allocated_bytes()
    seen = 0
    for start, end in pairwise(file.marks(1)):
        assert [row.keys() for _, row in file.rows(start, end.row - start.row)] == [{"n", "_row"}]
        seen = max(seen, pa.total_allocated_bytes() - before)
    assert seen < 1_000_000


def test_a_row_group_is_read_once_for_its_images(tmp_path, monkeypatch):
    file = with_images(tmp_path)
    opened = []
    real = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *a, **k: opened.append(a[1]) or real(*a, **k))
    for number in range(5):
        image_bytes(file.path, number)
    assert opened == [0, 1, 2]


def test_a_file_that_is_written_again_is_read_again(tmp_path):
    with_images(tmp_path)
    assert image_bytes(with_images(tmp_path).path, 0) == b"png 0"
    file = table(tmp_path, {"image": pa.array([{"bytes": b"another", "path": None}], IMAGE)})
    assert image_bytes(file.path, 0) == b"another"


@pytest.mark.parametrize(
    "row, says", [(0, "row 1: nothing"), (1, "row 2: nothing"), (2, "no row 3 among 2"), (-1, "0")]
)
def test_an_image_that_is_not_there_is_rejected(tmp_path, row, says):
    file = table(tmp_path, {"image": pa.array([{"bytes": None, "path": "a.png"}, None], IMAGE)})
    with pytest.raises(Reject, match=f"missing_image.*{says}"):
        image_bytes(file.path, row)


def test_an_image_column_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TableError, match="no column picture; it has: image, question"):
        image_bytes(with_images(tmp_path).path, 0, "picture")


def test_wanted_columns(tmp_path):
    columns = {"a": [1, 2], "b": [3, 4]}
    assert rows_of(table(tmp_path, columns, columns=["b"])) == [{"b": 3}, {"b": 4}]
    with pytest.raises(TableError, match=r"no column c; it has: a, b"):
        list(table(tmp_path, columns, columns=["b", "c"]).marks(10))


@pytest.mark.parametrize(
    "bad",
    [
        pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffb")),
        pa.array([0, 1 << 60, 0], pa.timestamp("us")),
    ],
)
def test_a_value_that_python_has_not_is_a_bad_row(tmp_path, bad):
    first, rejected, last = one_pass(table(tmp_path, {"value": bad}, group=3))
    assert isinstance(first[1]["value"], str | datetime.datetime) and isinstance(last[1], dict)
    assert isinstance(rejected[1], Rejected) and (rejected[1].id, rejected[1].reason) == ("row 2", "bad_row")


def test_a_file_without_rows(tmp_path):
    assert rows_of(table(tmp_path, {"a": pa.array([], pa.string())})) == []


@pytest.mark.parametrize("cut", [slice(0, 300), slice(0, -1)])
def test_a_file_that_is_cut_off_is_refused(tmp_path, cut):
    file = table(tmp_path, {"a": list(range(1000))})
    file.path.write_bytes(file.path.read_bytes()[cut])
    with pytest.raises(TableError, match=r"of-00001\.parquet: not a complete Parquet file .*download it again"):
        list(file.marks(10))


def test_a_page_that_is_damaged_is_refused_by_name(tmp_path):
    file = table(tmp_path, {"a": ["text"] * 1000}, group=1000)
    marks = list(file.marks(1000))
    data = bytearray(file.path.read_bytes())
    data[4:40] = b"\xff" * 36
    file.path.write_bytes(data)
    with pytest.raises(TableError, match=r"of-00001\.parquet: not a complete Parquet file"):
        list(file.rows(marks[0], 1000))


@pytest.mark.parametrize(
    "data, says", [(b"", "empty"), (b"<html>", "web page"), (b"version https://git-lfs", "lfs pull")]
)
def test_another_kind_of_file_is_refused(tmp_path, data, says):
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    with pytest.raises(TableError, match=says):
        list(ParquetTable(path).marks(10))
