"""Samples: the same seed, strata in proportion, a shared part, and rows that wait come first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from data_prep.curate.review.curated import Brief
from data_prep.curate.review.sample import Plan, given_to, ordered


def briefs(passed, waiting=0):
    """Three quarters of the rows are of one source and one quarter of the other."""
    return [
        Brief(
            number,
            f"row-{number}",
            "big" if number % 4 else "small",
            "ct",
            "ar",
            ("numbers",) if number >= passed else (),
            number >= passed,
        )
        for number in range(passed + waiting)
    ]


def ids(rows):
    return [row.id for row in rows]


def test_the_same_seed_gives_the_same_rows_and_another_gives_others():
    rows = briefs(1_000, 40)
    assert given_to(rows, Plan(100), 0) == given_to(list(reversed(rows)), Plan(100), 0)
    assert set(ids(given_to(rows, Plan(100), 0))) != set(ids(given_to(rows, Plan(100, seed=1), 0)))


def test_a_sample_has_the_strata_in_proportion():
    drawn = Counter(row.source for row in given_to(briefs(1_000), Plan(100), 0))
    assert abs(drawn["small"] - 25) <= 1 and drawn.total() == 100


def test_all_rows_that_wait_come_first_unless_limited():
    rows = briefs(200, 40)
    drawn = given_to(rows, Plan(20), 0)
    assert [row.waits for row in drawn] == [True] * 40 + [False] * 20
    assert sum(row.waits for row in given_to(rows, Plan(20, waiting=10), 0)) == 10


@given(
    st.integers(0, 120),
    st.integers(0, 40),
    st.integers(0, 60),
    st.floats(0, 1),
    st.one_of(st.none(), st.integers(0, 9)),
)
def test_reviewers_have_the_shared_part_in_common_and_nothing_else(passed, waiting, size, share, limit):
    plan = Plan(size, share=share, waiting=limit)
    parts = [set(ids(given_to(briefs(passed, waiting), plan, part))) for part in range(3)]
    shared = parts[0] & parts[1]
    of_waiting = min(waiting, waiting if limit is None else limit)
    assert len(parts[0]) == min(size, passed) + of_waiting
    assert len(shared) == round(share * min(size, passed)) + round(share * of_waiting)
    assert parts[1] & parts[2] == shared == parts[0] & parts[2]


def test_every_beginning_of_the_order_is_in_proportion():
    drawn = [row.source for row in ordered(briefs(400), seed=3)]
    for end in range(1, 400):
        assert abs(drawn[:end].count("small") - end / 4) <= 1.5
