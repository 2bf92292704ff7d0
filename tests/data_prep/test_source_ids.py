"""Rows of every source that reads an id, where it is null, empty, absent or 0."""

import pytest

from data_prep.sources import reader


@pytest.mark.parametrize("value", [None, "", " "])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("medmcqa", "id"),
        ("medqa", "id"),
        ("pubmedqa", "pubid"),
        ("mimic_iii", "ROW_ID"),
        ("bimed_mbench", "question_id"),
        ("vqa_rad", "qid"),
        ("slake", "qid"),
        ("path_vqa", "question_id"),
        ("pmc_vqa", "index"),
    ],
)
def test_a_row_without_an_id_is_named_by_its_place(name, key, value):
    """With the id of another such row, it would be lost as its duplicate."""
    source = reader(name)(path="nowhere")
    for row in ({key: value}, {}):
        first, second = (source.row_id(f"row {number}", row) for number in (1, 2))
        assert first[:-1] == second[:-1] and (first[-1], second[-1]) == ("1", "2")
        assert "None" not in first and " " not in first
    assert source.row_id("row 3", {key: 0}).endswith("-0")
