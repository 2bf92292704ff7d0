"""A dataset folder as a source of a mixture: rows, ids, images and held-out splits stay."""

import pytest
import yaml

from data_prep import mixture_file
from data_prep.build import build
from data_prep.check import check
from data_prep.mixture_file import MixtureError
from data_prep.shards import shard_rows, split_of
from tests.helpers.data_fixtures import llava_mixture, llava_row

GENERATOR = {"model": "m", "prompt": "0" * 64, "date": "2026-01-01"}
ROWS = [
    llava_row("one"),
    llava_row("two", image="b.png", question="<image>\nWhat is two?"),
    llava_row("made", image="b.png", question="ما هذا؟<image>", answer="هذا مسح", parent="x-9", generator=GENERATOR),
    llava_row("waits", image="a.png", question="Is it so? <image>", answer="It is."),
]


def rows_of(folder, made):
    return {row["id"]: (split_of(shard), row) for shard, row in shard_rows(folder, list(made["shards"]))}


@pytest.fixture
def first(tmp_path):
    splits = {"test": {"ids": ["two"]}, "review": {"ids": ["waits"]}}
    made = build(mixture_file.load(llava_mixture(tmp_path, ROWS, splits=splits)), tmp_path / "first", "test")
    return rows_of(tmp_path / "first", made)


def mixed(folder, *sources, **keys):
    """A dataset built from dataset folders."""
    listed = [{"reader": "dataset", "path": str(folder / "first"), **source} for source in sources]
    (folder / "mixed.yml").write_text(yaml.safe_dump({"name": "mixed", "sources": listed, "shuffle": False, **keys}))
    made = build(mixture_file.load(folder / "mixed.yml"), folder / "mixed", "test")
    assert check(folder / "mixed") == made
    return made, rows_of(folder / "mixed", made)


def test_rows_keep_everything_but_the_name_of_their_source(first, tmp_path):
    made, rows = mixed(tmp_path, {"name": "curated"})
    assert rows.keys() == {"messages-one", "messages-two", "messages-made"}
    for row_id, (_, row) in rows.items():
        assert row == first[row_id][1] | {"source": "curated"}
    assert rows["messages-made"][1]["generator"] == GENERATOR
    assert made["sources"][0]["licence"] == "CC0-1.0"


def test_rows_that_wait_for_review_are_read_only_where_asked_for(first, tmp_path):
    _, rows = mixed(tmp_path, {"splits": ["review"]})
    assert {name: split for name, (split, _) in rows.items()} == {"messages-waits": "review"}


def test_a_held_out_row_stays_held_out_unless_the_mixture_says_otherwise(first, tmp_path):
    _, rows = mixed(tmp_path, {})
    assert {name: split for name, (split, _) in rows.items()} == {
        "messages-one": "train",
        "messages-two": "test",
        "messages-made": "train",
    }
    _, rows = mixed(tmp_path, {"into": "validation"})
    assert {split for split, _ in rows.values()} == {"validation"}
    _, rows = mixed(tmp_path, {}, splits={"own": {"ids": ["messages-two"]}})
    assert rows["messages-two"][0] == "own"


def test_parents_in_another_dataset_are_not_told_as_lost(first, tmp_path, capsys):
    made, _ = mixed(tmp_path, {"name": "curated"})
    assert made["parents"]["absent"] == []
    assert made["parents"]["elsewhere"] == [{"source": "curated", "rows": 1, "examples": ["x-9"]}]
    assert "parents in no source" not in capsys.readouterr().err
    assert "in the dataset that it was made from" in (tmp_path / "mixed/README.md").read_text()


def test_a_child_in_another_dataset_follows_its_held_out_parent(first, tmp_path):
    child = llava_row("kid", image=None, question="ما هذا؟", answer="هذا مسح للصدر", parent="messages-two")
    del child["image"]
    (tmp_path / "kids").mkdir()
    made = build(mixture_file.load(llava_mixture(tmp_path / "kids", [child])), tmp_path / "kids/out", "test")
    assert rows_of(tmp_path / "kids/out", made)["messages-kid"][0] == "train"
    _, rows = mixed(tmp_path, {"name": "kids", "path": str(tmp_path / "kids/out")}, {"name": "first"})
    assert rows["messages-kid"][0] == rows["messages-two"][0] == "test"


def test_a_folder_that_is_no_complete_dataset_is_one_message(first, tmp_path):
    with pytest.raises(MixtureError, match="splits: 'tset'; known: "):
        mixed(tmp_path, {"splits": ["tset"]})
    next((tmp_path / "first").glob("train*.parquet")).unlink()
    with pytest.raises(MixtureError, match="files that its manifest lists are missing or cut"):
        mixed(tmp_path, {})
    (tmp_path / "first/manifest.json").unlink()
    with pytest.raises(MixtureError, match=r"manifest\.json is missing"):
        mixed(tmp_path, {})
