"""Arrow stream files as tables, written by `datasets`, and the images embedded in them."""

import datasets
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject, Rejected
from data_prep.tables import arrow_values
from data_prep.tables.arrow_stream import ArrowStreamTable, streamed_image
from data_prep.tables.parquet import ParquetTable
from data_prep.tables.table import TableError
from tests.helpers.layouts.jpeg import jpeg
from tests.helpers.table_slices import one_pass, rows_of


def saved(folder, values, features=None, **keys):
    """The one file of a dataset that `datasets` saved."""
    datasets.Dataset.from_dict(values, datasets.Features(features) if features else None).save_to_disk(folder)
    return ArrowStreamTable(folder / "data-00000-of-00001.arrow", **keys)


def streamed(path, *batches):
    """A file of these batches."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return ArrowStreamTable(path)


def with_images(folder, images):
    return saved(
        folder,
        {"image": images, "question": [f"سؤال {number}" for number in range(len(images))]},
        {"image": datasets.Image(), "question": datasets.Value("string")},
    )


@given(st.lists(st.lists(st.text(max_size=5) | st.none(), max_size=6), min_size=1, max_size=5), st.integers(1, 5))
def test_slices_of_any_file_are_its_rows(tmp_path_factory, batches, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_values, "BATCH", size)
        made = [pa.record_batch({"text": pa.array(values, pa.string())}) for values in batches]
        found = one_pass(streamed(tmp_path_factory.mktemp("stream") / "a.arrow", *made))
    texts = [text for values in batches for text in values]
    assert found == [(f"row {number}", {"text": text}) for number, text in enumerate(texts, start=1)]


def test_a_saved_dataset_reads_like_the_same_dataset_in_parquet(tmp_path):
    columns = {"choices": [{"text": ["a", "ب"], "label": [1, 2]}, {"text": [], "label": []}], "cop": [1, None]}
    table = saved(tmp_path / "saved", columns)
    datasets.Dataset.from_dict(columns).to_parquet(str(tmp_path / "a.parquet"))
    assert rows_of(table) == rows_of(ParquetTable(tmp_path / "a.parquet")) and len(rows_of(table)) == 2


def test_an_image_column_is_read_only_by_row_number(tmp_path):
    (tmp_path / "one.jpg").write_bytes(jpeg(7))
    table = with_images(tmp_path / "saved", [{"bytes": jpeg(1)}, str(tmp_path / "one.jpg"), None])
    assert rows_of(table) == [{"question": f"سؤال {number}", "_row": number} for number in range(3)]
    assert [streamed_image(table.path, row) for row in (1, 0)] == [jpeg(7), jpeg(1)]
    for row, says in ((2, "row 3: nothing is embedded"), (3, "no row 4 among 3"), (-1, "no row 0")):
        with pytest.raises(Reject, match=f"missing_image.*{says}"):
            streamed_image(table.path, row)
    with pytest.raises(TableError, match="no column picture; it has: image, question"):
        streamed_image(table.path, 0, "picture")


def test_wanted_columns(tmp_path):
    assert rows_of(saved(tmp_path / "one", {"a": [1], "b": [2]}, columns=["b"])) == [{"b": 2}]
    with pytest.raises(TableError, match="no column c; it has: a, b"):
        list(saved(tmp_path / "two", {"a": [1], "b": [2]}, columns=["c"]).marks(10))


def test_text_that_is_not_utf_8_is_a_bad_row(tmp_path):
    bad = pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffb"))
    first, rejected, last = one_pass(streamed(tmp_path / "a.arrow", pa.record_batch({"value": bad})))
    assert (first[1], last[1]) == ({"value": "a"}, {"value": "b"})
    assert isinstance(rejected[1], Rejected) and (rejected[1].id, rejected[1].reason) == ("row 2", "bad_row")


def test_a_file_that_lacks_its_end_is_refused(tmp_path):
    """Also where it ends between two batches, which reads like a shorter file."""
    batch = pa.record_batch({"a": list(range(100))})
    table = streamed(tmp_path / "a.arrow", batch, batch)
    data = table.path.read_bytes()
    one = len(streamed(tmp_path / "one.arrow", batch).path.read_bytes()) - 8
    for length in (one, len(data) - 1, len(data) - 8, 100, 8):
        table.path.write_bytes(data[:length])
        with pytest.raises(TableError, match=r"a\.arrow: not a complete Arrow stream file .*save it again"):
            list(table.marks(10))


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "empty"),
        (b"version https://git-lfs", "lfs pull"),
        (b"ARROW1\0\0" + bytes(50) + b"\xff\xff\xff\xff\0\0\0\0", "not a complete Arrow stream file"),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, data, says):
    path = tmp_path / "a.arrow"
    path.write_bytes(data)
    with pytest.raises(TableError, match=says):
        list(ArrowStreamTable(path).marks(10))
