import pytest

from data_prep.rows import text_of
from data_prep.sources.medqa import Medqa
from tests.helpers.layouts import hub_forms, nested
from tests.helpers.layouts import medqa as layout
from tests.helpers.layouts.text_files import write_parquet
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


@pytest.mark.parametrize(("split", "name"), [("train", "train"), ("validation", "dev"), ("test", "test")])
def test_a_nested_question_is_read_like_the_original(tmp_path, split, name):
    nested.make_medqa(tmp_path)
    source = Medqa(path=str(tmp_path), split=split)
    ((sample,), rejected, _) = read_all(source)
    assert text_of(sample.messages) == (
        f"A case of {name}?\nA. Ampicillin\nB. Ceftriaxone\nC. Doxycycline\nD. Iron\nC. Doxycycline"
    )
    assert sample.id.startswith("medqa-4-") and len(sample.id) == len("medqa-4-") + 36 and rejected == []
    assert source.form() == "the Hub's Parquet files"


def test_a_nested_answer_that_is_not_the_option_of_its_letter_is_rejected(tmp_path):
    row = nested.row("Which?", ["a", "b", "c", "d"], "C")
    row["data"]["Correct Answer"] = "b"
    other = nested.row("What?", ["a", "b", "c"], "A")
    write_parquet(tmp_path / "data/train-00000-of-00001.parquet", [row, other])
    _, rejected, _ = read_all(Medqa(path=str(tmp_path)))
    assert [one.detail for one in rejected] == [
        "'answer' is not the text of option C",
        "3 options with text instead of 4",
    ]


@pytest.mark.parametrize("form", hub_forms.FORMS)
def test_every_form_of_the_hub_gives_the_same_samples(tmp_path, form):
    layout.make_hub(tmp_path / "plain")
    expected = read_all(Medqa(path=str(tmp_path / "plain")))
    splits = hub_forms.loaded(tmp_path / "plain", tmp_path / "cache", train="data/train-*.parquet")
    hub_forms.write(form, tmp_path / "there", splits)
    source = Medqa(path=str(tmp_path / "there" / ("train" if form == "saved_split" else "")))
    assert read_all(source) == expected and source.form()
