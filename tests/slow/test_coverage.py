"""By simulation, at the sizes of the paper's VQA benchmarks: intervals hold, and equal models are equal."""

import itertools

import pytest

from tests.helpers.simulated_runs import SIZES, rates

pytestmark = pytest.mark.slow
CORRELATIONS = (0.0, 0.05, 0.15)
ACCURACIES = (0.3, 0.6, 0.9)
RARE = 0.05
"""Too rare for 20 items: Wilson's own coverage, which jumps with the number of right answers, is 92% there."""


@pytest.mark.parametrize("name", SIZES)
def test_intervals_cover_and_equal_models_are_not_told_apart(name):
    accuracies = ACCURACIES if SIZES[name].sum() == 20 else (RARE, *ACCURACIES)
    for correlation, accuracy in itertools.product(CORRELATIONS, accuracies):
        found = rates(SIZES[name], accuracy, correlation, repeats=2000)
        assert found.covered >= 0.93 and found.told_apart <= 0.06, (correlation, accuracy, found)
        assert found.graded_covered >= 0.93, (correlation, accuracy, found)
