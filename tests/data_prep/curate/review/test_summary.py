"""The summary: rates by source, language and check, the gravest verdict where reviewers differ, and agreement."""

import pytest

from data_prep.curate.review.summary import Rate, about, printed, summarise
from tests.helpers.reviewed import curated_set, opened, said


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    return opened(curated_set(tmp_path_factory.mktemp("set"), passed=6, waiting=2, english=2))[0]


VERDICTS = [
    said("p0", "none", seconds=10),
    said("p0", "none", reviewer="R2", seconds=30),
    said("p1", "none", seconds=20),
    said("p1", "major", reviewer="R2", seconds=40),
    said("p2", "minor", seconds=50),
    said("w0", "minor", seconds=60),
    said("w1", "skip", seconds=900),
]


def test_rows_are_counted_once_by_the_gravest_verdict(curated):
    found = summarise(curated, VERDICTS, {"R1": "radiologist", "R2": "translator", "idle": "reviewer"})
    assert found.counts == {"none": 1, "minor": 2, "major": 1}
    assert (found.reviewed, found.of, found.seconds, found.differ, found.open) == (4, 8, 40, 1, 1)
    groups = {(what, value): counts for what, value, counts in found.groups}
    assert groups["language", "en"] == {"none": 1, "minor": 0, "major": 1}
    assert groups["rows that", "passed the checks"] == {"none": 1, "minor": 1, "major": 1}
    assert groups["check", "numbers"] == {"none": 0, "minor": 1, "major": 0}
    assert found.by() == "1 radiologist, 1 translator" and found.by(names=True).startswith("R1 (radiologist), R2")


def test_an_adjudicators_verdict_takes_the_place_of_theirs_but_not_in_the_agreement(curated):
    final = [*VERDICTS, said("p1", "none", reviewer="J", adjudicated=True)]
    found = summarise(curated, final, {})
    assert found.counts["major"] == 0 and (found.differ, found.open) == (1, 0)
    assert found.agreements == summarise(curated, VERDICTS, {}).agreements


def test_it_is_printed_line_by_line_and_put_into_the_manifest_without_names(curated):
    found = summarise(curated, VERDICTS, {"R1": "radiologist", "R2": "translator"})
    text = printed(found)
    assert text.startswith("reviewed 4 of 8 rows: 3 of 6 that passed the checks, minor 33.3% (6.1% to 79.2%), major")
    assert "; 1 of 2 that wait for review, minor 100.0% (20.7% to 100.0%), major 0.0%" in text
    assert "check numbers: 1 reviewed" in text and "Cohen's kappa: 0.00" in text and "on 2 rows" in text
    assert "R1" not in text and "1 wait for review --adjudicate" in text
    made = about(found, names=False)
    assert made["conflicts"] == 1
    assert made["agreement"] and "agreement" not in about(summarise(curated, VERDICTS[:1], {}), names=False)
    assert made["rows that"]["wait for review"] == {"of": 2, "none": 0, "minor": 1, "major": 0}


def test_without_a_verdict_it_says_so(curated):
    assert printed(summarise(curated, [], {})) == "reviewed 0 of 8 rows"


@pytest.mark.parametrize(
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_newcombes_examples_of_wilsons(count, of, low, high):
    assert Rate(count, of).interval == pytest.approx((low, high), abs=5e-5)
