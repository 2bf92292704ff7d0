import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.rows import Reject
from data_prep.sources import hub_parquet
from data_prep.tables.table import TableError, all_rows
from tests.helpers.layouts import parquet
from tests.helpers.layouts.jpeg import jpeg

ROWS = [(f"question {number}?", "yes", number) for number in range(5)]


def names(folder, split="train"):
    return [path.name for path in hub_parquet.shards(folder, split)]


def test_every_row_leads_to_its_own_image(tmp_path):
    parquet.write(tmp_path / "data/train-00000-of-00001.parquet", ROWS)
    rows = [row for path in hub_parquet.shards(tmp_path, "train") for _, row in all_rows(hub_parquet.Shard(path))]
    assert [row["question"] for row in rows] == [question for question, _, _ in ROWS]
    assert [hub_parquet.row_number(row) for row in rows] == [f"0-{row}" for row in range(5)]
    for row, (_, _, seed) in reversed(list(zip(rows, ROWS, strict=True))):
        assert hub_parquet.image(tmp_path, hub_parquet.image_name(row)).data == jpeg(seed)


def test_the_files_of_a_split_in_their_order_with_or_without_data(tmp_path):
    for folder in (tmp_path / "data", tmp_path / "bare"):
        for number in (1, 0):
            parquet.write(folder / f"test-{number:05d}-of-00002-{9 - number}f.parquet", ROWS[:1])
    expected = ["test-00000-of-00002-9f.parquet", "test-00001-of-00002-8f.parquet"]
    assert names(tmp_path, "test") == names(tmp_path / "bare", "test") == expected
    assert names(tmp_path, "train") == [] and hub_parquet.shard_problems(tmp_path, "test") == []


@pytest.mark.parametrize("columns", [{"question": ["q"], "answer": ["a"]}, {"question": ["q"], "image": [b"1"]}])
def test_a_file_without_a_column_that_is_needed(tmp_path, columns):
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(TableError, match=r"train-00000-of-00001\.parquet: no (column answer|images)"):
        list(all_rows(hub_parquet.Shard(path)))


def test_a_row_that_embeds_nothing(tmp_path):
    path = tmp_path / "train-00000-of-00001.parquet"
    image = pa.array([None], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"image": image, "question": ["q"], "answer": ["a"]}), path)
    with pytest.raises(Reject, match="missing_image"):
        hub_parquet.image(tmp_path, f"{path.name}#0")
