"""The row contract."""

import pytest

from data_prep.rows import Reject, arabic_share, check, image_part, text_part

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
    check(messages, images, "en")


@pytest.mark.parametrize(
    "messages, images, language, reason",
    [
        ([USER, YES], 0, "en", "image_count"),
        ([USER, YES], 2, "en", "image_count"),
        ([NO_IMAGE, {"role": "assistant", "content": [image_part()]}], 1, "en", "image_count"),
        ([USER, said("assistant", " \n")], 1, "en", "empty_answer"),
        ([USER, {"role": "assistant", "content": []}], 1, "en", "empty_answer"),
        ([said("user", ""), YES], 0, "en", "empty_question"),
        ([said("narrator", "x"), YES], 0, "en", "unknown_role"),
        ([], 0, "en", "turn_order"),
        ([USER], 1, "en", "turn_order"),
        ([YES, NO_IMAGE], 0, "en", "turn_order"),
        ([NO_IMAGE, YES, said("system", "x")], 0, "en", "turn_order"),
        ([NO_IMAGE, YES, YES], 0, "en", "turn_order"),
        ([NO_IMAGE, YES], 0, "ar", "wrong_language"),
        ([NO_IMAGE, said("assistant", "نعم")], 0, "en", "wrong_language"),
        ([NO_IMAGE, YES], 0, "fr", "wrong_language"),
    ],
)
def test_each_breach_has_its_reason(messages, images, language, reason):
    with pytest.raises(Reject) as caught:
        check(messages, images, language)
    assert caught.value.reason == reason


def test_the_language_is_that_of_the_answer_not_of_the_question():
    check([said("user", "What is MRI?"), said("assistant", "التصوير بالرنين المغناطيسي (MRI)")], 0, "ar")
    check([said("user", "ما معنى صدر؟"), said("assistant", "It means chest (صدر).")], 0, "en")
    check([NO_IMAGE, said("assistant", "12")], 0, "en")


@pytest.mark.parametrize("text, share", [("", 0), ("12 %", 0), ("abc", 0), ("نعم", 1), ("ab نعمل", 4 / 6), ("ﻻ", 1)])
def test_arabic_share(text, share):
    assert arabic_share(text) == pytest.approx(share)


def test_a_reason_outside_the_fixed_names_is_a_bug():
    with pytest.raises(KeyError, match="known: missing_image"):
        Reject("oops", "x")
