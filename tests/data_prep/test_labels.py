"""Task, modality and selection of a conversation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject
from data_prep.sources.labels import (
    is_closed,
    modality_of,
    select,
    snake_case,
    stage_of,
    task_of,
    vqa_task,
    wrong_choices,
)
from data_prep.sources.source import conversation

ARABIC = "ما نوع التصوير المستخدم في هذه الصورة؟"


@pytest.mark.parametrize(
    "turns, with_image, without",
    [
        (["Is it CT?", "Yes."], "vqa_closed", "text_qa"),
        (["هل هذا تصوير مقطعي؟", "نعم."], "vqa_closed", "text_qa"),
        (["What is it?", "a CT scan"], "vqa_short", "text_qa"),
        (["What is it?", "No mass is seen in either lung."], "vqa_open", "text_qa"),
        (["Which?\nA. CT\nB. MRI\nC. none", "B. MRI"], "vqa_choice", "text_choice"),
        (["Which? (A) CT (B) MRI (C) none", "B"], "vqa_choice", "text_choice"),
        (["Which? A: CT B: MRI C: none", "B: MRI"], "vqa_choice", "text_choice"),
        (["أي مما يلي؟\nأ. فيتامين\nب. ماء\nج. ملح", "ب. ماء"], "vqa_choice", "text_choice"),
        (["Has she hepatitis A. B is excluded.", "Yes"], "vqa_closed", "text_qa"),
        (["Hi", "Hello", "Which?\nA. CT\nB. MRI\nC. none", "A. CT"], "conversation", "conversation"),
    ],
)
def test_the_turns_tell_the_task(turns, with_image, without):
    messages = conversation(turns, images=0)
    assert (task_of(messages, images=True), task_of(messages, images=False)) == (with_image, without)


@pytest.mark.parametrize(
    "domain, modality",
    [
        ({"chest_xray": True, "mri": False}, "x_ray"),
        ({"ct_scan": True}, "ct"),
        ({"gross": True}, "gross"),
        ({"mri": True, "ct_scan": True}, "unknown"),
        ({"mri": "true"}, "unknown"),
        ({}, "unknown"),
        (None, "unknown"),
        ("mri", "unknown"),
    ],
)
def test_one_true_domain_is_the_modality(domain, modality):
    assert modality_of(domain) == modality


@pytest.mark.parametrize(
    "path, given, stage",
    [
        ("/data/align/BiMed-V_stage2.json", "auto", "instruct"),
        ("BiMed-V_stage1.json", "auto", "align"),
        ("llava_med_alignment_500k.json", "auto", "align"),
        ("llava_med_alignment_500k.json", "instruct", "instruct"),
        ("mine.json", "align", "align"),
    ],
)
def test_the_stage_is_as_given_or_told_by_the_files_own_name(path, given, stage):
    assert stage_of(path, given) == stage


@pytest.mark.parametrize(
    "count, languages, turns, detail",
    [
        (2, ["en", "ar"], "any", None),
        (2, ["ar"], "any", "language en; selected: ar"),
        (2, ["en"], "single", None),
        (2, ["en"], "multi", "turns: single; selected: multi"),
        (4, ["en"], "multi", None),
        (4, ["en"], "single", "turns: multi; selected: single"),
    ],
)
def test_what_the_mixture_leaves_out_says_why(count, languages, turns, detail):
    messages = conversation(["Hi", "Hello"] * (count // 2), images=0)
    if detail is None:
        select(messages, "en", languages, turns)
        return
    with pytest.raises(Reject) as caught:
        select(messages, "en", languages, turns)
    assert (caught.value.reason, caught.value.detail) == ("not_selected", detail)


def test_a_selection_of_unknown_things_or_of_nothing_is_a_problem():
    assert wrong_choices("languages", ["en"], ("en", "ar")) == []
    assert wrong_choices("languages", ["en", "zh"], ("en", "ar")) == ["languages: 'zh'; known: en, ar"]
    assert "selects no row" in wrong_choices("languages", [], ("en", "ar"))[0]


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
    assert vqa_task(answer, closed) == task


@pytest.mark.parametrize(("said", "closed"), [("CLOSED ", True), ("open\t", False), ("", None), (None, None)])
def test_what_an_answer_type_says(said, closed):
    assert is_closed(said) is closed


@pytest.mark.parametrize(("name", "snake"), [("X-Ray", "x_ray"), ("MRI", "mri"), (" CT ", "ct"), ("", "unknown")])
def test_modality(name, snake):
    assert snake_case(name) == snake


@given(st.text())
def test_a_modality_is_in_snake_form_and_stays_so(name):
    made = snake_case(name)
    assert made and made.strip("_") == made and snake_case(made) == made
