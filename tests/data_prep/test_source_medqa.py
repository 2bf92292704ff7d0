import pytest

from data_prep.rows import text_of
from data_prep.sources.medqa import Medqa
from tests.helpers.layouts import medqa as layout
from tests.helpers.readers import read_all

FOUR = "\nA. Ampicillin\nB. Ceftriaxone\nC. Doxycycline\nD. Nitrofurantoin"


def test_four_options_are_the_default(tmp_path):
    layout.make(tmp_path)
    ((sample,), rejected, _) = read_all(Medqa(path=str(tmp_path)))
    assert sample.id == "medqa-4-train-1" and rejected == []
    assert text_of(sample.messages) == f"Case 0?{FOUR}\nD. Nitrofurantoin"


def test_five_options_are_another_file_and_other_ids(tmp_path):
    layout.make(tmp_path)
    ((sample,), rejected, _) = read_all(Medqa(path=str(tmp_path), options=5, split="validation"))
    assert (sample.id, text_of(sample.messages[1:])) == ("medqa-5-validation-1", "E. Vancomycin")
    assert text_of(sample.messages).startswith("Case 1?\nA. Ampicillin\n")
    assert [row.detail for row in rejected] == [
        "'answer' is not the text of option A",
        "no option has the letter under 'answer_idx'",
    ]


@pytest.mark.parametrize("parquet", [True, False])
@pytest.mark.parametrize(("split", "row_id"), [("train", "train"), ("validation", "dev"), ("test", "test")])
def test_the_hub_s_form(tmp_path, parquet, split, row_id):
    layout.make_hub(tmp_path, parquet)
    ((sample,), _, _) = read_all(Medqa(path=str(tmp_path), split=split))
    assert sample.id == f"medqa-4-{row_id}-00000"
    assert text_of(sample.messages) == f"A case of the {split} split?{FOUR}\nD. Nitrofurantoin"
    (problem,) = Medqa(path=str(tmp_path), split=split, options=5).problems()
    assert "has none of data_clean/questions/US/" in problem


@pytest.mark.parametrize("folder", ["data_clean", "data_clean/questions", "data_clean/questions/US/4_options"])
def test_the_path_may_lead_further_in(tmp_path, folder):
    layout.make(tmp_path)
    assert read_all(Medqa(path=str(tmp_path / folder)))[0] == read_all(Medqa(path=str(tmp_path)))[0]


def test_a_count_of_options_that_is_none(tmp_path):
    assert Medqa(path=str(tmp_path), options=3).problems() == ["options: 3; known: 4, 5"]


@pytest.mark.parametrize("label", [None, "3", 4, -1])
def test_a_label_that_is_none(tmp_path, label):
    layout.make_hub(tmp_path, parquet=False)
    source = Medqa(path=str(tmp_path))
    row = {"sent1": "?", "label": label, **{f"ending{number}": "x" for number in range(4)}}
    with pytest.raises(ValueError, match="bad_row"):
        source.sample("x", row)
