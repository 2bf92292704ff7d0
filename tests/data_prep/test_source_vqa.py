import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject
from data_prep.sources import vqa


@pytest.mark.parametrize(
    ("answer", "closed", "task"),
    [
        ("Yes", None, "vqa_closed"),
        (" no. ", None, "vqa_closed"),
        ("yes, in the left lung", None, "vqa_open"),
        ("left upper lobe", None, "vqa_short"),
        ("in the left lobe", None, "vqa_open"),
        ("left", True, "vqa_closed"),
        ("yes", False, "vqa_short"),
        ("5", None, "vqa_short"),
    ],
)
def test_task(answer, closed, task):
    assert vqa.task(answer, closed) == task


@pytest.mark.parametrize(("said", "closed"), [("CLOSED ", True), ("open\t", False), ("", None), (None, None)])
def test_what_an_answer_type_says(said, closed):
    assert vqa.says_closed(said) is closed


@pytest.mark.parametrize(("name", "snake"), [("X-Ray", "x_ray"), ("MRI", "mri"), (" CT ", "ct"), ("", "unknown")])
def test_modality(name, snake):
    assert vqa.snake(name) == snake


@given(st.text())
def test_a_modality_is_in_snake_form_and_stays_so(name):
    made = vqa.snake(name)
    assert made and made.strip("_") == made and vqa.snake(made) == made


@pytest.mark.parametrize(("question", "answer", "reason"), [(" ", "a", "empty_question"), ("q", "\n", "empty_answer")])
def test_turns_without_text(question, answer, reason):
    with pytest.raises(Reject) as raised:
        vqa.asked(question, answer)
    assert raised.value.reason == reason


def test_figures_of_one_article_are_one_group():
    names = ["PMC12_Fig1.jpg", "figures/PMC12_Fig2_3.jpg", "PMC123_Fig1.jpg", "other.jpg"]
    assert [vqa.article(name) for name in names] == ["PMC12", "PMC12", "PMC123", "other.jpg"]
