"""CSV files as tables."""

import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data_prep.rows import Rejected
from data_prep.tables import csv_file
from data_prep.tables.csv_file import CsvTable
from data_prep.tables.table import TableError
from tests.helpers.table_slices import one_pass, rows_of

BOM = b"\xef\xbb\xbf"
fields = st.text(st.sampled_from('ab ,"\n\u2028\0نعم🩻'), max_size=8)


def table(tmp_path, data):
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    return CsvTable(path)


def written(rows, end="\n"):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue()


@given(
    st.lists(st.tuples(fields, fields, fields)),
    st.sampled_from([b"", BOM]),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.booleans()),
)
def test_slices_of_any_csv_are_its_rows(tmp_path_factory, rows, start, end, blank_before):
    names = ("Question", "Choice A", "الجواب")
    lines = [written([row], end) for row in (names, *rows)]
    for number, blank in enumerate(blank_before):
        lines.insert(2 * number, end if blank else "")
    data = "".join(lines).encode()
    found = one_pass(table(tmp_path_factory.mktemp("csv"), start + data))
    wanted = [dict(zip(names, row, strict=True)) for row in rows]
    assert found == [(f"row {number}", row) for number, row in enumerate(wanted, start=1)]


@given(st.binary(max_size=200).map(lambda data: b"a,b\n" + data))
def test_no_bytes_are_too_bad(tmp_path_factory, data):
    file = table(tmp_path_factory.mktemp("csv"), data)
    try:
        list(file.marks(1))
    except TableError:
        assume(False)
    for place, row in one_pass(file):
        assert row.keys() == {"a", "b"} if isinstance(row, dict) else row.id == place


def test_names_are_without_blanks_and_one_may_be_empty(tmp_path):
    # pandas writes its index under no name
    assert rows_of(table(tmp_path, b", Question ,Choice A\n0, What? ,b")) == [
        {"": "0", "Question": " What? ", "Choice A": "b"}
    ]


@pytest.mark.parametrize(
    "line, what",
    [
        (b"a", "1 fields instead of 2"),
        (b"a,b,c", "3 fields instead of 2"),
        (b"a,\xff", "not UTF-8"),
        (b'a,"b\n\xd9\n"', "not UTF-8"),
        (b"a,b\rc,d", "new-line character"),
        (b'a,"' + b"x" * 1000 + b'"', "field limit (999); is a quote left open?"),
    ],
)
def test_a_bad_row_is_named_and_the_rows_after_it_are_read(tmp_path, monkeypatch, line, what):
    monkeypatch.setattr(csv_file, "MAX_FIELD", 999)
    first, bad, last = rows_of(table(tmp_path, b'a,b\n1,"2\n2"\n' + line + b"\n3,4\n"))
    assert first == {"a": "1", "b": "2\n2"} and last == {"a": "3", "b": "4"}
    assert isinstance(bad, Rejected) and (bad.id, bad.reason) == ("row 2", "bad_row")
    assert "table.csv: row 2, at byte 12: " in bad.detail and what in bad.detail


def test_a_field_of_a_long_article_is_read(tmp_path):
    assert len(rows_of(table(tmp_path, b"a\n" + b"x" * 500_000))[0]["a"]) == 500_000


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "empty"),
        (b"\n\n", "no row"),
        (b"a,b, a\n1,2,3", "'a' twice"),
        (b"a,,b,\n1,2,3,4", "'' twice"),
        (b"a,\xff\n1,2", "not UTF-8"),
        (b"a,b\r1,2\r", "new-line character"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "the last row has an open quote"),
        ("a,b\n1,2\n".encode("utf-16"), "iconv -f UTF-16"),
        ("الصورة,ب\n1,2\n".encode("utf-16"), "iconv -f UTF-16"),
        (b"\x1f\x8b\x08", "gunzip"),
        (b"PK\x03\x04..[Content_Types].xml", "Excel workbook"),
        (b" <html>404", "web page"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, data, says):
    with pytest.raises(TableError, match=says) as error:
        list(table(tmp_path, data).marks(10))
    assert str(error.value).startswith(str(tmp_path / "table.csv"))
