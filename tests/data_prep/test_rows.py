"""The row contract."""

import pytest

from data_prep.rows import Reject, check, image_part, text_part

USER = {"role": "user", "content": [image_part(), text_part("What is it?")]}
YES = {"role": "assistant", "content": [text_part("yes")]}
NO_IMAGE = {"role": "user", "content": [text_part("Why?")]}


def said(role, text):
    return {"role": role, "content": [text_part(text)]}


@pytest.mark.parametrize(
    "messages, images",
    [([USER, YES], 1), ([NO_IMAGE, YES], 0), ([said("system", "Be brief."), USER, YES, NO_IMAGE, YES], 1)],
)
def test_good_rows_pass(messages, images):
    check(messages, images)


@pytest.mark.parametrize(
    "messages, images, reason",
    [
        ([USER, YES], 0, "image_count"),
        ([USER, YES], 2, "image_count"),
        ([NO_IMAGE, {"role": "assistant", "content": [image_part()]}], 1, "image_count"),
        ([USER, said("assistant", " \n")], 1, "empty_answer"),
        ([USER, {"role": "assistant", "content": []}], 1, "empty_answer"),
        ([said("user", ""), YES], 0, "empty_question"),
        ([said("narrator", "x"), YES], 0, "unknown_role"),
        ([], 0, "turn_order"),
        ([USER], 1, "turn_order"),
        ([YES, NO_IMAGE], 0, "turn_order"),
        ([NO_IMAGE, YES, said("system", "x")], 0, "turn_order"),
        ([NO_IMAGE, YES, YES], 0, "turn_order"),
    ],
)
def test_each_breach_has_its_reason(messages, images, reason):
    with pytest.raises(Reject) as caught:
        check(messages, images)
    assert caught.value.reason == reason


def test_a_reason_outside_the_fixed_names_is_a_bug():
    with pytest.raises(KeyError, match="known: missing_image"):
        Reject("oops", "x")
