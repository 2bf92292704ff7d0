"""Exact match: what counts as the same answer in two languages, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.text_match import exact, normalise

SAME = [
    ("Yes.", "yes"),
    ("  Chest\n X-ray ", "chest x ray"),
    ("«CT»", "ct"),
    # NFKC: full-width letters, and the presentation form of lam-alef.
    ("ＣＴ", "ct"),
    ("ﻻ", "لا"),
    # Arabic comma, question mark, semicolon.
    ("نعم،", "نعم"),
    ("نعم؟؛", "نعم"),
    # Diacritics, tatweel, superscript alef.
    ("نَعَمْ", "نعم"),
    ("نعــــم", "نعم"),
    ("رحمٰن", "رحمن"),
    # Hamza on alef (also as a combining mark), alef maqsura, teh marbuta.
    ("أشعة", "اشعه"),
    ("إشعاع", "اشعاع"),
    ("آلام", "الام"),
    ("ا\u0654شعة", "أشعة"),
    ("مستشفى", "مستشفي"),
    ("STRASSE", "straße"),
]
DIFFERENT = [
    ("yes", "no"),
    ("yes it is", "yes"),
    ("لا", "نعم"),
    ("صدر", "الصدر"),
    ("", "yes"),
    ("1.5", "15"),
    ("T1", "T2"),
    # Latin accents are part of the word.
    ("resume", "résumé"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same(one, other):
    assert exact(one, other) and exact(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    assert not exact(one, other)


@given(st.text(st.sampled_from("abأإآاىيةهـَّ،؟.! \n١1")))
def test_normalising_twice_changes_nothing(text):
    once = normalise(text)
    assert normalise(once) == once
    assert exact(text, f" {text}؟ ")
