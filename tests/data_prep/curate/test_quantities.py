"""Numbers of texts: words and digits of both languages have equal values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.curate.checks.quantities import quantities

UNITS = ["صفر", "واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة"]
TEENS = ["عشرة", "أحد عشر", "اثنا عشر", *(f"{UNITS[digit]} عشر" for digit in range(3, 10))]
TENS = ["", "", *["عشرون", "ثلاثون", "أربعون", "خمسون", "ستون", "سبعون", "ثمانون", "تسعون"]]
HUNDREDS = ["", "مئة", "مئتان", *(f"{stem}مئة" for stem in ["ثلاث", "أربع", "خمس", "ست", "سبع", "ثماني", "تسع"])]
ENGLISH_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ENGLISH_TENS = ["", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]]


def in_arabic(value: int) -> str:
    """A number from 3 to 999,999 in words."""
    thousands, rest = divmod(value, 1000)
    parts = []
    if thousands:
        plural = "آلاف" if 3 <= thousands <= 10 else "ألفاً"
        parts.append({1: "ألف", 2: "ألفان"}.get(thousands) or f"{in_arabic(thousands)} {plural}")
    hundreds, below = divmod(rest, 100)
    parts += [HUNDREDS[hundreds]] * bool(hundreds)
    tens, unit = divmod(below, 10)
    if tens == 1:
        parts.append(TEENS[unit])
    else:
        parts += [UNITS[unit]] * bool(unit) + [TENS[tens]] * bool(tens)
    return " و".join(parts)


@given(st.integers(11, 999_999).filter(lambda value: value % 1000 not in (1, 2) and value // 1000 not in (1, 2)))
def test_arabic_words_have_the_value_of_their_digits(value):
    found = quantities(f"بلغ العدد {in_arabic(value)} خلية.")
    assert set(found.values) | found.weak >= {str(value)}
    assert set(found.values) <= {str(value)}


@given(st.integers(2, 9), st.integers(1, 9))
def test_english_tens_and_units_are_one_number(tens, unit):
    for between in ("-", " "):
        found = quantities(f"A {ENGLISH_TENS[tens]}{between}{ENGLISH_UNITS[unit]} year study.")
        assert set(found.values) == {str(10 * tens + unit)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5 hours", "three halves, or an hour: ساعة ونصف"),
        ("3.5 hours", "ثلاث ساعات ونصف"),
        ("three and a half hours", "3.5 hours"),
        ("1.5 million", "مليون ونصف المليون"),
        ("in the 1960s", "في ستينيات القرن الماضي"),
        ("the twelfth week", "الأسبوع الثاني عشر"),
        ("day 21", "اليوم الحادي والعشرون"),
        ("tid", "ثلاث مرات"),
        ("250 thousand", "مئتان وخمسون ألفاً"),
    ],
)
def test_a_number_is_found_in_other_words(one, other):
    wanted, found = quantities(one), quantities(other)
    assert set(wanted.values) <= set(found.values) | found.weak
    assert set(found.values) - {"3"} <= set(wanted.values) | wanted.weak


@pytest.mark.parametrize(("text", "unit"), [("L4-L5", "l"), ("T2 signal", "T"), ("vitamin B12 s", "s")])
def test_the_letters_of_a_name_are_no_unit(text, unit):
    assert unit not in quantities(text).units.get("4", set()) | quantities(text).units.get("2", set())


def test_during_is_no_two():
    assert not quantities("أثناء الحمل").values
