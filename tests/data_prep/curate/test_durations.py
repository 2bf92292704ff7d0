"""Lengths of time have one value, whatever the unit and language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.curate.checks import Translation, findings
from data_prep.curate.checks.durations import durations
from data_prep.curate.checks.quantities import quantities


def spans(text: str) -> set[tuple[str, float]]:
    return set(durations(text, quantities(text)))


def found_in(source: str, made: str) -> set[str]:
    return {found.check for found in findings(Translation((source,), (made,), "en", "ar"), ["numbers", "units"])}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("half an hour", 1800),
        ("نصف ساعة", 1800),
        ("بنصف ساعة", 1800),
        ("ربع ساعة", 900),
        ("a quarter of an hour", 900),
        ("ساعة ونصف", 5400),
        ("an hour and a half", 5400),
        ("يومين", 172_800),
        ("48 hours", 172_800),
        ("a week", 604_800),
    ],
)
def test_a_length_of_time_has_its_value_in_seconds(text, seconds):
    assert spans(text) == {("seconds", seconds)}


def test_months_and_years_are_compared_in_months():
    assert spans("18 months") == spans("سنة ونصف") == {("months", 18)}


def test_a_text_without_a_length_of_time_has_none():
    assert not spans("The lesion measures 4 mm; 3 tablets were given.")


@given(st.integers(3, 90))
def test_days_and_hours_are_equal_as_values(days):
    source = f"Wait {24 * days} hours."
    assert not found_in(source, f"انتظر {days} أيام.")
    assert found_in(source, f"انتظر {days + 1} أيام.")


@pytest.mark.parametrize(
    ("source", "made"),
    [("Wait half an hour.", "انتظر ساعتين."), ("Wait 30 minutes.", "انتظر ربع ساعة."), ("For 14 days.", "لمدة أسبوع.")],
)
def test_another_length_of_time_is_found(source, made):
    assert found_in(source, made)
