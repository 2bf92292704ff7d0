"""By simulation: 95% intervals hold the truth, and equal models are not called different, where answers share images.

tests/slow/test_coverage.py has all benchmarks, correlations and accuracies.
"""

import pytest

from tests.helpers.simulated_runs import SIZES, rates

CASES = [("slake", 0.0, 0.6), ("slake", 0.15, 0.6), ("slake", 0.15, 0.05), ("slake", 0.15, 0.9), ("vqa_rad", 0.15, 0.3)]
FEW = [("20 items", 0.0, 0.9), ("20 items", 0.0, 0.3), ("20 images of 4", 0.15, 0.6)]


@pytest.mark.parametrize(("name", "correlation", "accuracy"), [*CASES, *FEW])
def test_intervals_cover_and_equal_models_are_not_told_apart(name, correlation, accuracy):
    found = rates(SIZES[name], accuracy, correlation, repeats=2000)
    assert found.covered >= 0.93 and found.told_apart <= 0.06
    assert found.graded_covered >= 0.93


def test_the_simulation_sees_where_clusters_are_ignored():
    found = rates(SIZES["slake"], 0.6, 0.15, repeats=1000, clustered=False)
    assert found.covered < 0.8 and found.told_apart > 0.2
