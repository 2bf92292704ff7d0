"""The checks of drafts: what they find in labelled pairs, and that no text stops them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.curate.checks import REWRITING, TRANSLATION, Rewriting, Translation, findings
from data_prep.rows import REASONS
from tests.helpers.labelled_pairs import HALVES, TASKS, measured

INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
LEAST_RECALL = 0.85
MOST_FALSE_ALARMS = 0.05
ANY_TEXT = st.text(st.characters(), max_size=200)


def numbers_of(source: str, made: str) -> list[str]:
    """What the check of numbers finds in one turn of Arabic made from English."""
    return [found.detail for found in findings(Translation((source,), (made,), "en", "ar"), ["numbers"])]


def reaches_the_goals(task: str, half: str) -> None:
    counts = measured(task, half)
    assert counts.recall >= LEAST_RECALL, f"{counts.recall:.1%} of the planted errors are found"
    assert counts.false_alarms <= MOST_FALSE_ALARMS, f"{counts.false_alarms:.1%} of the good pairs fail a check"


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("task", TASKS)
def test_planted_errors_are_found_and_good_pairs_pass(task, half):
    reaches_the_goals(task, half)


def test_every_check_is_a_ledger_reason():
    assert not (TRANSLATION.keys() | REWRITING.keys()) - REASONS.keys()


def test_only_the_named_checks_run():
    made = Translation(("Give 12 mg to the left.",), ("أعط 13 ملغ إلى اليمين.",), "en", "ar")
    assert {found.check for found in findings(made)} >= {"numbers", "sides"}
    assert {found.check for found in findings(made, ["sides"])} == {"sides"}


@given(st.integers(3, 999_999))
def test_digits_of_any_script_and_grouping_have_equal_values(value):
    source = f"The count is {value} cells."
    for written in (str(value), f"{value:,}", str(value).translate(INDIC), f"{value:,}".translate(INDIC)):
        assert not numbers_of(source, f"العدد هو {written.replace(',', '٬')} خلية.")


@given(st.integers(11, 999_999), st.data())
def test_a_changed_digit_is_always_found(value, data):
    digits = str(value)
    place = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([digit for digit in "123456789" if digit != digits[place]]))
    changed = digits[:place] + other + digits[place + 1 :]
    assert numbers_of(f"The count is {value} cells.", f"العدد هو {changed} خلية.")


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_no_text_stops_a_check(source, made):
    for languages in (("en", "ar"), ("ar", "en")):
        findings(Translation((source,), (made,), *languages, options=True))
    findings(Rewriting(source, made, (made + source,), source))


@pytest.mark.timeout(300)  # a pattern that backtracks takes hours
@pytest.mark.parametrize("character", ["a", "1", " ", ".", "ا", "\ud800"])
def test_a_long_reply_of_equal_characters_is_read(character):
    text = character * 300_000
    assert findings(Translation(("No mass is seen.",), (text,), "en", "ar"))
    assert findings(Rewriting("Is there a mass?", "no", (text,)))
