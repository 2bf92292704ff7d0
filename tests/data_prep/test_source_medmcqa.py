import json

import pytest

from data_prep.rows import Reject, text_of
from data_prep.sources.medmcqa import Medmcqa, right_option
from tests.helpers.layouts import medmcqa as layout
from tests.helpers.readers import read_all

MAKES = [layout.make, layout.make_original]


@pytest.mark.parametrize("make", MAKES)
def test_both_files_name_the_same_right_option(tmp_path, make):
    make(tmp_path)
    samples, rejected, others = read_all(Medmcqa(path=str(tmp_path)))
    assert [sample.id for sample in samples] == ["medmcqa-a1", "medmcqa-b2"] and others == 0
    assert text_of(samples[0].messages) == (
        "Which vitamin is made by sunlight?\nA. Vitamin A\nB. Vitamin B\nC. Vitamin C\nD. Vitamin D\nD. Vitamin D"
    )
    assert text_of(samples[1].messages[1:]) == "C. Vitamin C"
    assert {row.id: row.detail for row in rejected} == {
        "medmcqa-c3": "the right answer is option 5 of 4",
        "medmcqa-d4": "an option without text",
    }


@pytest.mark.parametrize("make", MAKES)
def test_explanations_follow_the_answer_where_there_are_any(tmp_path, make):
    make(tmp_path)
    samples, _, _ = read_all(Medmcqa(path=str(tmp_path), explanations=True))
    assert text_of(samples[0].messages[1:]) == "D. Vitamin D\n\nAns. is 'd' i.e. vitamin D"
    assert text_of(samples[1].messages[1:]) == "C. Vitamin C"


@pytest.mark.parametrize("make", MAKES)
def test_validation_is_the_benchmark_and_the_test_split_has_no_answers(tmp_path, make):
    make(tmp_path)
    ((sample,), _, _) = read_all(Medmcqa(path=str(tmp_path), split="validation"))
    assert (sample.id, text_of(sample.messages[1:])) == ("medmcqa-v1", "D. Vitamin D")
    assert Medmcqa(path=str(tmp_path), split="test").problems() == ["split: 'test'; known: train, validation"]


def test_a_row_without_its_option_is_rejected(tmp_path):
    layout.make_original(tmp_path)
    (tmp_path / "test.json").rename(tmp_path / "dev.json")
    _, (row,), _ = read_all(Medmcqa(path=str(tmp_path), split="validation"))
    assert row.reason == "bad_row" and "'cop' is None" in row.detail


def test_a_download_that_lacks_a_file_is_a_problem(tmp_path):
    layout.make(tmp_path)
    file = tmp_path / "data/train-00000-of-00001.parquet"
    file.rename(file.with_name("train-00000-of-00002.parquet"))
    (problem,) = Medmcqa(path=str(tmp_path)).problems()
    assert "1 of 2 files like train-00000-of-00002.parquet; download the others" in problem


def test_an_export_of_the_hubs_rows_as_json_counts_from_zero(tmp_path):
    rows = [{**options(), "id": f"e{n}", "question": "Which?", "cop": n} for n in (2, 0)]
    (tmp_path / "train.json").write_text("\n".join(map(json.dumps, rows)))
    samples, _, _ = read_all(Medmcqa(path=str(tmp_path)))
    assert [text_of(sample.messages[1:]) for sample in samples] == ["C. Vitamin C", "A. Vitamin A"]


@pytest.mark.parametrize("cop", ["2", " 2 ", "c", "C", "Vitamin C"])
def test_the_right_option_as_text(tmp_path, cop):
    layout.make(tmp_path)
    row = {**options(), "id": "x", "question": "Which?", "cop": cop}
    assert text_of(Medmcqa(path=str(tmp_path)).sample("x", row).messages[1:]) == "C. Vitamin C"


def test_a_number_as_text_counts_like_the_numbers_of_its_file():
    for first in (0, 1):
        assert [right_option({**options(), "cop": str(first + n)}, first) for n in range(4)] == [0, 1, 2, 3]
        assert [right_option({**options(), "cop": first + n}, first) for n in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("cop", "texts", "says"),
    [
        ("2", ["2", "3", "4", "5"], "an option's number and the text of another one"),
        ("Yes", ["Yes", "Yes", "No", "None"], "means several options"),
        ("b", ["b", "c", "d", "e"], "means several options"),
        ("e", ["w", "x", "y", "z"], "wanted: the number, the letter or the text"),
        ("", ["", "x", "y", "z"], "wanted"),
        (True, ["w", "x", "y", "z"], "wanted"),
        (None, ["None", "x", "y", "z"], "wanted"),
    ],
)
def test_a_right_option_that_cannot_be_told_is_rejected(cop, texts, says):
    row = dict(zip(("opa", "opb", "opc", "opd"), texts, strict=True))
    with pytest.raises(Reject, match=f"bad_row.*{says}"):
        right_option({**row, "cop": cop}, 0)


def test_a_number_that_is_also_the_text_of_its_option_is_that_option():
    assert right_option({"opa": "1", "opb": "2", "opc": "3", "opd": "4", "cop": "2"}, 1) == 1


def options():
    return {"opa": "Vitamin A", "opb": "Vitamin B ", "opc": "Vitamin C", "opd": "Vitamin D"}
