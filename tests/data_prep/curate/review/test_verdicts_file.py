"""Verdicts are exported and imported without loss, and only on their own dataset."""

import json

import pytest

from data_prep.curate.review.curated import texts_of
from data_prep.curate.review.errors import ReviewError
from data_prep.curate.review.store import Store
from data_prep.curate.review.verdicts_file import read, write
from tests.helpers.reviewed import curated_set, opened, said

VERDICTS = [
    said("p0", "minor", reason="صياغة", texts=("أ", "ب"), seconds=3.5),
    said("p0", "none", reviewer='R2 "ر"'),
    said("p1", "skip"),
    said("p0", "major", reviewer="J", adjudicated=True),
]


@pytest.fixture
def first(tmp_path):
    curated, store = opened(curated_set(tmp_path))
    store.register("R1", "radiologist")
    store.put_all(VERDICTS)
    return curated, store


def test_what_is_exported_comes_back_whole_with_roles(first, tmp_path):
    curated, store = first
    assert write(store, curated, tmp_path / "all.jsonl") == 4
    other = Store(tmp_path / "other.sqlite", curated.dataset)
    assert read(other, curated, tmp_path / "all.jsonl") == 4
    assert other.verdicts() == store.verdicts() and other.roles()["R1"] == "radiologist"
    assert read(other, curated, tmp_path / "all.jsonl") == 0


def test_of_two_verdicts_by_one_reviewer_the_later_counts(first, tmp_path):
    curated, store = first
    write(store, curated, tmp_path / "all.jsonl")
    later = said("p0", "none", at="2026-02-02T00:00:00")
    store.put(later)
    assert read(store, curated, tmp_path / "all.jsonl") == 0
    assert later in store.verdicts()


def test_verdicts_of_another_dataset_are_refused_and_nothing_is_kept(first, tmp_path):
    curated, store = first
    write(store, curated, tmp_path / "all.jsonl")
    other, reviews = opened(curated_set(tmp_path, passed=3, name="second"))
    with pytest.raises(ReviewError, match=r"all\.jsonl[^$]*line 1: a verdict on another dataset"):
        read(reviews, other, tmp_path / "all.jsonl")
    assert reviews.verdicts() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"row": "messages-nobody"}, "no row 'messages-nobody'"),
        ({"verdict": "good"}, "known: none, minor, major, skip"),
        ({"texts": ["one"]}, "the row has 2 texts"),
        ({"texts": ["one", ""]}, "none empty"),
        ({"texts": ["one", "<image> two"]}, "<image> marks the place of an image"),
        ({"seconds": "3"}, "wrong type: seconds"),
        ({"seconds": float("nan")}, "seconds nan: wanted: 0 or more"),
        ({"at": "yesterday"}, "at 'yesterday': not a time such as 2"),
        ({"reviewer": " "}, "a name has 1 to 100 printable characters"),
        ({"more": 1}, "no others"),
    ],
)
def test_all_wrong_lines_are_named_together_and_none_is_kept(first, tmp_path, change, message):
    curated, store = first
    path = tmp_path / "all.jsonl"
    write(store, curated, path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], json.dumps(json.loads(lines[1]) | change), "", "{", lines[2]]))
    other = Store(tmp_path / "other.sqlite", curated.dataset)
    with pytest.raises(ReviewError) as told:
        read(other, curated, path)
    assert f"line 2: {message}"[:7] in str(told.value) and message in str(told.value) and "line 4: " in str(told.value)
    assert other.verdicts() == []


def test_a_file_that_is_not_text_or_not_there_is_told(first, tmp_path):
    curated, store = first
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("binary", "absent"):
        with pytest.raises(ReviewError, match=f"{name}: cannot be read"):
            read(store, curated, tmp_path / name)
    with pytest.raises(ReviewError, match="cannot be written"):
        write(store, curated, tmp_path / "binary" / "x.jsonl")


def test_a_file_that_a_spreadsheet_has_saved_is_read(first, tmp_path):
    curated, store = first
    path = tmp_path / "all.jsonl"
    write(store, curated, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    other = Store(tmp_path / "other.sqlite", curated.dataset)
    assert read(other, curated, path) == 4 and other.verdicts() == store.verdicts()


def test_of_two_verdicts_in_one_file_the_later_counts_in_any_order(first, tmp_path):
    curated, store = first
    write(store, curated, tmp_path / "old.jsonl")
    store.put(said("p0", "none", at="2026-02-02T00:00:00"))
    write(store, curated, tmp_path / "new.jsonl")
    joined = tmp_path / "joined.jsonl"
    joined.write_text((tmp_path / "new.jsonl").read_text() + (tmp_path / "old.jsonl").read_text())
    other = Store(tmp_path / "other.sqlite", curated.dataset)
    assert read(other, curated, joined) == 4 and other.verdicts() == store.verdicts()


def test_texts_that_are_the_rows_own_are_no_correction(first, tmp_path):
    curated, store = first
    own = tuple(texts_of(curated.row("messages-p2")["messages"]))
    store.put(said("p2", "major", texts=own))
    write(store, curated, tmp_path / "all.jsonl")
    other = Store(tmp_path / "other.sqlite", curated.dataset)
    read(other, curated, tmp_path / "all.jsonl")
    (verdict,) = [one for one in other.verdicts() if one.row == "messages-p2"]
    assert verdict.texts is None
