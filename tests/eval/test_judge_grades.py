"""Reading a judge's reply: two grades, or a label."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judge.grades import (
    MALFORMED,
    OFF_SCALE,
    OFFICIAL_NO_NUMBER,
    OFFICIAL_STOPS,
    grades,
    label,
    official_grades,
    official_ratio,
    on_scale,
    ratio,
    swapped_ratio,
)


@pytest.mark.parametrize(
    ("reply", "ours", "official"),
    [
        ("7 8", 8 / 7, 8 / 7),
        ("10 5\nThe first is better.", 0.5, 0.5),
        (" 7 8 \n", 8 / 7, 8 / 7),
        ("7 8 \nbecause", 8 / 7, OFFICIAL_STOPS),
        ("8.5 9", 9 / 8.5, 9 / 8.5),
        ("٨ ٦", 0.75, 0.75),
        ("٨٫٥ ٦", 6 / 8.5, OFFICIAL_STOPS),
        ("7  8", 8 / 7, OFFICIAL_STOPS),
        ("7\t8", 8 / 7, OFFICIAL_STOPS),
        ("10 0", OFF_SCALE, 0.0),
        ("0 7", OFF_SCALE, 7e100),
        ("10 11", OFF_SCALE, 1.1),
        ("0.5 9", OFF_SCALE, 18.0),
        ("nan 7", MALFORMED, OFFICIAL_NO_NUMBER),
        ("inf 7", MALFORMED, 0.0),
        ("-7 8", MALFORMED, -8 / 7),
        ("1e1 5", MALFORMED, 0.5),
        ("", MALFORMED, OFFICIAL_STOPS),
        ("7", MALFORMED, OFFICIAL_STOPS),
        ("7 8 9", MALFORMED, OFFICIAL_STOPS),
        ("7, 8", MALFORMED, OFFICIAL_STOPS),
        ("Scores: 7 8", MALFORMED, OFFICIAL_STOPS),
        ("seven eight", MALFORMED, OFFICIAL_STOPS),
        ("Here are my grades.\n7 8", MALFORMED, OFFICIAL_STOPS),
    ],
)
def test_grades_of_a_first_line(reply, ours, official):
    assert ratio(reply) == ours
    assert official_ratio(reply) == official


def test_the_swapped_order_divides_the_other_way():
    assert swapped_ratio("8 6") == pytest.approx(8 / 6) and swapped_ratio("0 6") == OFF_SCALE


numbers = st.one_of(st.integers(0, 20).map(str), st.decimals(0, 20, places=1).map(str))
blanks = st.text(" \t", max_size=2)


@given(numbers, numbers, blanks, blanks, st.text(max_size=20))
def test_two_numbers_are_grades_whatever_stands_around_them(first, second, before, after, reasons):
    reply = f"{before}{first} {second}{after}\n{reasons}"
    assert grades(reply) == (float(first), float(second))
    assert isinstance(ratio(reply), float) == (1 <= float(first) <= 10 and 1 <= float(second) <= 10)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser_or_leaves_the_scale(reply):
    found = grades(reply)
    assert found is None or all(math.isfinite(grade) and grade >= 0 for grade in found)
    value = ratio(reply)
    assert isinstance(value, str) or 0.1 <= value <= 10
    assert isinstance(official_ratio(reply), str) or official_grades(reply) is not None
    label(reply, "verdict")


@given(st.from_regex(r"[0-9]{1,2}(\.[0-9])? [0-9]{1,2}(\.[0-9])?", fullmatch=True), st.sampled_from([0x660, 0x6F0]))
def test_arabic_and_persian_digits_are_digits(reply, zero):
    other = re.sub(r"\d", lambda digit: chr(zero + int(digit[0])), reply)
    assert grades(other) == grades(reply) == official_grades(other)


def test_the_scale_has_both_ends():
    assert on_scale(1, 10) and not on_scale(0.9, 5) and not on_scale(5, 10.1) and not on_scale(math.nan)


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"reasoning": "It says so.", "agreement": "Agree"}', "agree"),
        ('```json\n{"agreement": "Disagree"}\n```', "disagree"),
        ('Sure! {"agreement": null}', "none"),
        ('{"agreement": "Partly"}', "partly"),
        ("{'reasoning': 'x', 'agreement': 'Agree'}", "agree"),
        ('{"reasoning": "the text has a " in it", "agreement": "Disagree"}', "disagree"),
        ('{"reasoning": "agreement: Agree? no", "agreement": "Disagree", }', "disagree"),
        ('{"reasoning": "cut off, "agreement": "Neu', "neu"),
        ("agreement: None", "none"),
        ('{"verdict": "Agree"}', None),
        ('["agreement"]', None),
        ('Reply as {"reasoning": str, "agreement": "Agree"|"Disagree"|"Neutral"}', None),
        ('{"agreement": "Agree/Disagree/Neutral"}', None),
        ('{"agreement": "Agree, Disagree or Neutral"}', None),
        ("agreement: Agree, Disagree or Neutral", None),
        ("{'agreement': 'Agree' or 'Disagree'}", None),
        ('"agreement": "Agree", "Disagree" or "Neutral". agreement: Disagree', "disagree"),
        ("{agreement: Agree, reasoning: It says so, or nearly.}", "agree"),
        ('{"agreement": "Agree", "reasoning": "cut', "agree"),
        ("I agree.", None),
        ("", None),
    ],
)
def test_a_label(reply, found):
    assert label(reply, "agreement") == found


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=10)), st.sampled_from(["Safe", "UNSAFE", " safe "]))
def test_a_label_in_any_json_object(others, value):
    assert label(json.dumps({**others, "verdict": value}), "verdict") == value.strip().lower()
