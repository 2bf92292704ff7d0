import pytest

from data_prep.rows import text_of
from data_prep.sources.mmlu import SUBJECTS, Mmlu
from tests.helpers.layouts import mmlu as layout
from tests.helpers.layouts import nested
from tests.helpers.readers import read_all


@pytest.mark.parametrize("make", [layout.make, layout.make_hub])
@pytest.mark.parametrize(("split", "name"), [("dev", "dev"), ("validation", "val"), ("test", "test")])
def test_both_forms_give_the_same_questions(tmp_path, make, split, name):
    make(tmp_path)
    samples, _, _ = read_all(Mmlu(path=str(tmp_path), split=split))
    first = [sample for sample in samples if sample.id.endswith("-1")]
    assert [sample.id for sample in first] == [f"mmlu-{split}-{subject}-1" for subject in SUBJECTS]
    assert text_of(first[0].messages) == f"What is anatomy in {name}?\nA. 1\nB. 2\nC. 3\nD. 4\nB. 2"


def test_quotes_and_line_ends_inside_a_field(tmp_path):
    layout.make(tmp_path)
    samples, (rejected,), _ = read_all(Mmlu(path=str(tmp_path), subjects=["anatomy"]))
    assert len(samples) == 2
    assert text_of(samples[1].messages) == (
        'Which of these, "if any",\nis a bone?\nA. Femur\nB. Liver, left lobe\nC. Heart\nD. Lung\nA. Femur'
    )
    assert rejected.reason == "bad_row" and "anatomy_test.csv: row 3" in rejected.detail


def test_a_subject_that_is_not_there_is_named(tmp_path):
    layout.make(tmp_path)
    (tmp_path / "data/test/anatomy_test.csv").unlink()
    (problem,) = Mmlu(path=str(tmp_path)).problems()
    assert "has none of anatomy/test-*.parquet, data/test/anatomy_test.csv" in problem


@pytest.mark.parametrize(("subjects", "problem"), [(["algebra"], "'algebra'; known: anatomy"), ([], "an empty list")])
def test_subjects_that_are_none(tmp_path, subjects, problem):
    layout.make(tmp_path)
    (found,) = Mmlu(path=str(tmp_path), subjects=subjects).problems()
    assert found.startswith(f"subjects: {problem}")


@pytest.mark.parametrize(("choices", "answer"), [("1234", 1), (["1", "2"], "B"), (["1", "2"], 2)])
def test_a_question_without_its_answer_is_rejected(tmp_path, choices, answer):
    with pytest.raises(ValueError, match="bad_row"):
        Mmlu(path="").sample("x", {"question": "?", "choices": choices, "answer": answer})


def test_nested_questions_of_one_dataset_a_subject(tmp_path):
    for subject in ("anatomy", "college_biology"):
        nested.make_mmlu(tmp_path, subject)
    source = Mmlu(path=str(tmp_path), subjects=["anatomy", "college_biology"])
    samples, rejected, _ = read_all(source)
    assert [sample.id for sample in samples] == ["mmlu-test-anatomy-1", "mmlu-test-college_biology-1"]
    assert text_of(samples[0].messages).splitlines()[-1] == "B. Tibia" and rejected == []
    assert source.form() == "the Hub's Parquet files"
