"""Agreement equals published examples, and scikit-learn's kappa."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from data_prep.curate.review.agreement import agreement, alpha, kappa

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
COUNTS = np.array([[unit.count(value) for value in range(1, 6)] for unit in zip(*OBSERVERS, strict=True)], float)


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_alpha_is_that_of_krippendorffs_example(level, value):
    assert alpha(COUNTS, level) == pytest.approx(value, abs=5e-4)


def test_kappa_is_that_of_a_table_computed_by_hand():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed 0.7, by chance 0.5, (0.7 - 0.5) / 0.5
    first = [0] * 25 + [1] * 25
    second = [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    assert kappa(first, second, 2) == pytest.approx(0.4)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40))
def test_kappa_is_scikit_learns_wherever_it_is_defined(pairs):
    first, second = zip(*pairs, strict=True)
    found = kappa(first, second, 3)
    if found is None:
        assert len({*first, *second}) == 1
    else:
        assert found == pytest.approx(cohen_kappa_score(first, second))


def test_two_reviewers_give_kappa_and_alpha_inside_their_intervals():
    verdicts = [(0, 0)] * 30 + [(1, 1)] * 10 + [(1, 2)] * 5 + [(0, 1)] * 5 + [(0, None)] * 7
    found = agreement(verdicts, 3)
    assert [one.name.split(",")[0] for one in found] == ["Cohen's kappa"] + ["Krippendorff's alpha"] * 2
    assert all(one.low < one.value < one.high and one.rows == 50 for one in found)
    assert agreement(verdicts, 3) == found


def test_three_reviewers_give_alpha_alone_and_one_gives_nothing():
    assert len(agreement([(0, 0, 1), (1, 1, None), (2, 2, 2)], 3)) == 2
    assert agreement([(0, None), (None, 1)], 3) == []


def test_where_all_verdicts_are_the_same_no_coefficient_is_defined():
    assert all(one.value is None for one in agreement([(0, 0)] * 5, 3))
