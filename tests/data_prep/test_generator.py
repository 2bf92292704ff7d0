"""What made a row, in built datasets; datasets that were built before it was a column."""

import json

import pyarrow.parquet as pq
import pytest

from data_prep import manifest, mixture_file
from data_prep.__main__ import main
from data_prep.build import build
from data_prep.check import check
from data_prep.rows import SCHEMA
from data_prep.shards import rows_at
from eval.dataset import DataSet
from tests.helpers.data_fixtures import built, llava_mixture, llava_row
from tests.helpers.former_set import as_former

MADE = {"model": "a-model", "prompt": "0a" * 32, "date": "2026-11-29"}
ROWS = [llava_row("one"), llava_row("two", "b.png", "<image>\nWhere?", generator=MADE)]


def test_what_made_a_row_is_a_column_and_null_where_nothing_did(tmp_path):
    _, rows, _ = built(llava_mixture(tmp_path, ROWS), tmp_path / "out")
    assert {name: row["generator"] for name, row in rows.items()} == {"one": None, "two": MADE}
    shard = next((tmp_path / "out").glob("*.parquet"))
    assert pq.read_schema(shard).equals(SCHEMA)


@pytest.fixture
def former(tmp_path):
    """A complete folder of the former format, and its mixture."""
    path = llava_mixture(tmp_path, ROWS)
    build(mixture_file.load(path), tmp_path / "out", "test")
    return as_former(tmp_path / "out"), path


def test_a_folder_of_the_former_format_is_checked_shown_and_read(former, capsys):
    folder, _ = former
    assert check(folder)["written"] == 2
    assert main(["show", str(folder), "--id", "messages-two"]) == 0
    assert "generator" not in json.loads(capsys.readouterr().out)
    data = DataSet.open(folder)
    assert [row["id"] for row in data.rows("train")] == ["messages-one", "messages-two"]
    assert len(list(rows_at(folder, dict.fromkeys(data.manifest["shards"], 2), [0, 1]))) == 2


def test_damage_in_a_folder_of_the_former_format_is_found(former, capsys):
    folder, _ = former
    (folder / "ledger.jsonl").write_text("x")
    assert main(["check", str(folder)]) == 1
    assert "ledger.jsonl is not the file" in capsys.readouterr().err


def test_datasets_loads_folders_of_both_formats_alike(former, tmp_path):
    datasets = pytest.importorskip("datasets")
    folder, path = former
    build(mixture_file.load(path), tmp_path / "new", "test")
    old, new = (
        datasets.load_dataset(str(place), split="train", cache_dir=str(tmp_path / "cache"))
        for place in (folder, tmp_path / "new")
    )
    assert [row | {"generator": None} for row in old] == [row | {"generator": None} for row in new]
    assert new["generator"] == [None, MADE]


def test_a_build_replaces_a_folder_of_the_former_format(former):
    folder, path = former
    made = build(mixture_file.load(path), folder, "test")
    assert made and made["format"] == manifest.FORMAT > 3
    assert build(mixture_file.load(path), folder, "test") is None
