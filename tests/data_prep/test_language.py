"""Rows in the language that they say they are in."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject
from data_prep.sources.source import conversation
from data_prep.text import language
from data_prep.text.language import arabic_share, check, language_of

ARABIC = "ما نوع هذه الصورة؟"
DRUGS = "الأدوية: amoxicillin, ceftriaxone, doxycycline, azithromycin"


@pytest.mark.parametrize(
    "answers, questions, language",
    [
        ("The lungs are clear.", "What is seen?", "en"),
        ("It means chest (صدر).", "ما معنى صدر؟", "en"),
        ("β-blockers; Ménière’s ≥ 3", "Why?", "en"),
        ("12", "How many?", "en"),
        ("12", "", "en"),
        ("الرئتان سليمتان", ARABIC, "ar"),
        ("التصوير بالرنين المغناطيسي (MRI)", "What is MRI?", "ar"),
        ("١٢", ARABIC, "ar"),
        ("3.5 cm", ARABIC, "ar"),
        ("5 mg x 3, T2, COVID-19 (MRI)", ARABIC, "ar"),
        ("CT", ARABIC, "ar"),
        ("12", "", "ar"),
        (DRUGS, ARABIC, "ar"),
        ("ب. Staphylococcus aureus", ARABIC, "ar"),
        ("نعم", ARABIC, "ar"),
        ("لا توجد علامات مرض", ARABIC, "ar"),
        ("تظهر الصوره ورم فى الجانب الايسر", ARABIC, "ar"),
        ("ما هو العضو الظاهر فی الصورة", "", "ar"),
        ("گاز الخردل چيلر مادة سامة تصيب الرئتين", ARABIC, "ar"),
    ],
)
def test_rows_in_their_language_pass(answers, questions, language):
    check(answers, questions, language)


@pytest.mark.parametrize(
    "answers, questions, language, detail",
    [
        ("yes", "Is it?", "fr", "known: en, ar"),
        ("نعم", "Is it?", "en", "mostly Arabic"),
        ("胸部", "What is it?", "en", "neither Latin nor Greek"),
        ("12", ARABIC, "en", "mostly Arabic"),
        ("yes", ARABIC, "ar", "no Arabic letter"),
        ("The lungs are clear.", ARABIC, "ar", "no Arabic letter"),
        ("胸部", ARABIC, "ar", "no Arabic letter"),
        ("3.5 cm", "How large is it?", "ar", "too little"),
        ("It is the chest: صد", "What is it?", "ar", "too little"),
        (f"The drugs are {'amoxicillin and ' * 8} نعم", ARABIC, "ar", "Arabic in 2%"),
        ("تصویر رادیوگرافی قفسه سینه طبیعی است", ARABIC, "ar", "Persian"),
        ("مرد مبتلا به سل بود", "", "ar", "Persian"),
        ("بله", "آیا در این تصویر شکستگی دیده می‌شود؟", "ar", "Persian"),
        ("یہ سینے کا ایکس رے ہے اور نارمل ہے", ARABIC, "ar", "Urdu"),
    ],
)
def test_rows_in_another_language_do_not(answers, questions, language, detail):
    with pytest.raises(Reject, match=detail) as caught:
        check(answers, questions, language)
    assert caught.value.reason == "wrong_language"


@pytest.mark.parametrize("text, share", [("", 0), ("12 %", 0), ("abc", 0), ("نعم", 1), ("ab نعمل", 4 / 6), ("ﻻ", 1)])
def test_arabic_share(text, share):
    assert arabic_share(text) == pytest.approx(share)


@given(st.text(st.one_of(st.characters(max_codepoint=0x7F), st.characters(min_codepoint=0x600, max_codepoint=0x6FF))))
def test_the_share_is_of_letters_only(text):
    letters = [letter for letter in text if letter.isalpha()]
    arabic = [letter for letter in letters if letter >= "\u0600"]
    assert arabic_share(text) == pytest.approx(len(arabic) / len(letters) if letters else 0)


def test_lingua_is_loaded_only_where_it_is_asked():
    code = (
        "import sys; from data_prep.text.language import check\n"
        "check('The lungs are clear', '', 'en'); check('صورة الأشعة سليمة تمامًا', '', 'ar')\n"
        "assert 'lingua' not in sys.modules\n"
        "check('لا توجد علامات مرض', '', 'ar'); assert 'lingua' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "turns, language",
    [
        (["What is it?", "a scan"], "en"),
        (["What is it?", "نعم"], "ar"),
        ([ARABIC, "تصوير بالرنين المغناطيسي MRI"], "ar"),
        ([ARABIC, "B. CT"], "ar"),
        ([ARABIC, "12"], "ar"),
        (["How many?", "12"], "en"),
        ([ARABIC, "It is a CT scan of the chest."], "en"),
        ([ARABIC, "تصوير مقطعي", ARABIC, "الصدر"], "ar"),
    ],
)
def test_the_answers_tell_the_language_and_the_question_where_they_are_too_short(turns, language):
    assert language_of(conversation(turns, images=0)) == language


@given(st.text(st.sampled_from("aZgmLٱب٣12_-., \nµ"), max_size=60))
def test_words_with_a_digit_and_units_are_universal(text):
    unit = re.compile(r"[A-Z]{1,6}s?|[mcµn]?m|[mcd]?L|[mc]l|[mkµn]?g|mcg|mmHg|[mM]Hz|m?mol|mEq|pH|min|h|s|x")

    def kept(word: re.Match[str]) -> str:
        return "" if re.search(r"\d", word[0]) or unit.fullmatch(word[0]) else word[0]

    assert language._UNIVERSAL.sub("", text) == re.sub(r"\w+", kept, text)


@pytest.mark.timeout(60)  # a pattern that begins at every letter takes hours
def test_a_word_of_a_million_letters_is_read():
    with pytest.raises(Reject):
        check("a" * 1_000_000, ARABIC, "ar")
