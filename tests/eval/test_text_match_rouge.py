"""ROUGE-L by hand in both languages, and equal to torchmetrics in English."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.text_match import WordTokenizer, rouge_l

BY_HAND = [
    # "no pleural effusion" against "no large pleural effusion": 3 common in order; P 3/3, R 3/4, F 6/7.
    ("No pleural effusion.", "no large pleural effusion", 6 / 7),
    # Order counts: "effusion pleural" has one word in order of two. P = R = 1/2.
    ("effusion pleural", "pleural effusion", 1 / 2),
    # A repeated word stands once in order: P 1/2, R 1/1, F 2/3.
    ("clear clear", "clear", 2 / 3),
    ("x-ray", "X ray", 1.0),
    ("", "clear", 0.0),
    ("clear", "...", 0.0),
    # The very same Arabic text: rouge-score's own tokenizer gives 0.
    ("لا يوجد ارتشاح جنبي", "لا يوجد ارتشاح جنبي", 1.0),
    # 3 of 4 words in order on both sides; the Arabic full stop and comma are no words.
    ("لا يوجد ارتشاح، كبير.", "لا يوجد ارتشاح جنبي", 3 / 4),
    # Diacritics and tatweel are not part of a word.
    ("القَلْبُ طبيعـي", "القلب طبيعي", 1.0),
    # Latin words and digits inside Arabic are words too: 3 of 3.
    ("صورة CT للصدر 2", "صورة ct للصدر 2", 1.0),
    # Hamza is: two different words of two, so 1/2.
    ("أشعة الصدر", "اشعة الصدر", 1 / 2),
]


@pytest.mark.parametrize(("prediction", "reference", "expected"), BY_HAND)
def test_by_hand(prediction, reference, expected):
    assert rouge_l(prediction, reference) == pytest.approx(expected)


def test_words_of_two_languages():
    words = WordTokenizer().tokenize("Chest_X-ray: الصَّدر (2) naïve")
    assert words == ["chest", "x", "ray", "الصدر", "2", "naïve"]


@pytest.fixture(scope="module")
def torchmetrics_rouge():
    """torchmetrics' own ROUGE, imported before hypothesis starts its clock."""
    return pytest.importorskip("torchmetrics.functional.text").rouge_score


ENGLISH = st.lists(st.sampled_from(["Chest", "CT,", "no", "the", "x-ray", "1.5", "_", "(PA)"]), max_size=8)


@given(prediction=ENGLISH.map(" ".join), reference=ENGLISH.map(" ".join))
def test_equals_torchmetrics_in_english(torchmetrics_rouge, prediction, reference):
    expected = torchmetrics_rouge([prediction], [reference], rouge_keys="rougeL")["rougeL_fmeasure"].item()
    assert rouge_l(prediction, reference) == pytest.approx(expected, abs=1e-6)


TEXTS = st.text(st.sampled_from("ab 1٣.-نعملاأ\n"), max_size=30)


@given(TEXTS, TEXTS)
def test_bounds_and_symmetry(one, other):
    value = rouge_l(one, other)
    assert 0 <= value <= 1
    assert value == pytest.approx(rouge_l(other, one))


@given(TEXTS.filter(WordTokenizer().tokenize))
def test_a_text_is_like_itself_whatever_its_spaces(text):
    assert rouge_l(text, text) == 1
    assert rouge_l(text.replace(" ", " \n "), text) == 1
