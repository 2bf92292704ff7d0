"""The reader of BiMed1.3M in every form that it may have."""

import pytest

from data_prep.rows import check, text_of
from data_prep.sources.bimed13m import Bimed13m
from tests.helpers.layouts import bimed13m
from tests.helpers.readers import read_all


@pytest.fixture
def root(tmp_path):
    bimed13m.make(tmp_path)
    return tmp_path


def read(path, **keys):
    samples, rejected, others = read_all(Bimed13m(path=str(path), **keys))
    assert others == 0
    for sample in samples:
        check(sample.messages, images=0)
        assert (sample.modality, sample.images, sample.group) == ("text", (), "")
    return {sample.id.removeprefix("bimed13m-"): sample for sample in samples}, rejected


@pytest.mark.parametrize("key", bimed13m.LISTS)
def test_turns_under_any_key(root, key):
    samples, rejected = read(root / f"{key}.jsonl")
    assert not rejected and samples.keys() == {key}
    assert samples[key].task == "conversation"
    assert text_of(samples[key].messages) == "What is flu?\nA disease.\nCaused by?\nA virus."


def test_rows_of_mixed_forms(root):
    samples, rejected = read(root / "mixed.jsonl")
    assert {key: (sample.language, sample.task) for key, sample in samples.items()} == {
        "ar": ("ar", "text_qa"),
        "role": ("en", "text_qa"),
        "line-3": ("en", "text_qa"),
        "i": ("en", "text_qa"),
        "j": ("en", "text_qa"),
        "mcq": ("en", "text_choice"),
    }
    assert text_of(samples["line-3"].messages) == "What is flu?\nA disease."
    assert text_of(samples["i"].messages) == "Name the disease.\nFever, cough.\nFlu"
    assert text_of(samples["j"].messages) == "Name a disease.\nFlu"
    assert [(entry.id, entry.reason) for entry in rejected] == [
        ("bimed13m-apart", "bad_row"),
        ("bimed13m-none", "bad_row"),
    ]
    assert "options apart" in rejected[0].detail and "question" in rejected[1].detail


def test_parquet(root):
    samples, rejected = read(root / "train.parquet")
    assert not rejected and text_of(samples["p"].messages) == "What is flu?\nA disease."


@pytest.mark.parametrize(
    "table, keys, kept",
    [
        ("mixed.jsonl", {"languages": ["ar"]}, {"ar"}),
        ("mixed.jsonl", {"turns": "multi"}, set()),
        ("chat.jsonl", {"turns": "multi"}, {"chat"}),
        ("chat.jsonl", {"turns": "single"}, set()),
    ],
)
def test_what_is_not_selected_is_in_the_ledger(root, table, keys, kept):
    samples, rejected = read(root / table, **keys)
    assert samples.keys() == kept
    assert {entry.reason for entry in rejected} <= {"not_selected", "bad_row"}
    assert len(samples) + len(rejected) == len((root / table).read_text().splitlines())


def test_all_problems_are_found_at_once(tmp_path):
    found = Bimed13m(path=str(tmp_path / "gone.json"), languages=["fr"], turns="two").problems()
    assert [problem.split(":")[0] for problem in found] == ["path", "languages", "turns"]
