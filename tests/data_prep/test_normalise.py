"""The form in which texts are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.text import normalise
from data_prep.text.normalise import normalised, plain, words

ARABIC = st.text("ابتثجحخدذرزسشصضطظعغفقكلمنهويأإآؤئءةى ", max_size=60)
MIXED = st.text(st.one_of(st.characters(max_codepoint=0x700), st.characters(codec="utf-8")), max_size=80)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("What is  this?\n", "what is this"),
        ("The patient’s MRI (T2)", "the patient s mri t2"),
        ("Ménière – SJÖGREN", "meniere sjogren"),
        ("مُسْتَشْفَى", "مستشفي"),
        ("أشعّة إلى آفة ٱلرئة", "اشعه الي افه الريه"),
        ("شيء شئ شىء", "شي شي شي"),
        ("جـــيد، ١٢٫۳", "جيد 12 3"),
        ("ﻻ ½ ß ², 10⁹", "لا 1 2 ss 2 109"),
        ("CD4+ p<0.05, 5%", "cd4 + p < 0 05 5 %"),
        ("snow_case \u200fx\u00ady", "snow case xy"),
        (" .,!؟ ", ""),
    ],
)
def test_what_does_not_count(text, expected):
    assert normalised(text) == expected
    assert words(text) == expected.split()


@pytest.mark.parametrize(
    "one, other", [("CD4+", "CD4"), ("p < 5", "p > 5"), ("5%", "5"), ("قلب", "كلب"), ("1.5", "15")]
)
def test_what_counts(one, other):
    assert normalised(one) != normalised(other)


@given(MIXED)
def test_twice_is_once(text):
    assert normalised(normalised(text)) == normalised(text)


@given(MIXED)
def test_the_quick_way_and_the_slow_way_agree(text):
    assert normalised(text) == " ".join("".join(map(plain, text)).split())


def test_every_character_of_the_alphabet_goes_the_quick_way(monkeypatch):
    monkeypatch.setattr(normalise, "_PLAIN", None)
    for character in normalise.ALPHABET.rstrip("\ufffe"):
        assert normalised(f"a{character}b") == " ".join(f"a{plain(character)}b".split())


@given(ARABIC, st.text("\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670ـ", max_size=10), st.randoms())
def test_diacritics_and_tatweel_do_not_count(text, marks, random):
    letters = list(text)
    for mark in marks:
        letters.insert(random.randrange(len(letters) + 1), mark)
    assert normalised("".join(letters)) == normalised(text)


@given(st.text(st.characters(max_codepoint=0xFF), max_size=40))
def test_case_does_not_count(text):
    assert normalised(text.upper()) == normalised(text)
