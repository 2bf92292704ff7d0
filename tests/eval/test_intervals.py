"""Standard errors and intervals over clusters: hand-checked, against scipy, and their properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.intervals import (
    Sums,
    bootstrap_intervals,
    combined,
    effective_n,
    graded_intervals,
    interval,
    paired_proportion_intervals,
    proportion_intervals,
    standard_errors,
    sums_of,
)

GRADED = st.floats(0, 1, allow_subnormal=False)
RIGHT_WRONG = st.sampled_from([0.0, 1.0])
SAMPLES = st.one_of(
    st.lists(st.tuples(values, st.integers(0, 8)), min_size=2, max_size=60) for values in (GRADED, RIGHT_WRONG)
).filter(lambda sample: len({cluster for _, cluster in sample}) > 1)
CLUSTERED = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0], ["a", "a", "a", "b", "b", "c"]


def estimate(values, names=None):
    """The standard error and the interval of one sample; without names every item is a cluster of its own."""
    s = sums_of(values, range(len(values)) if names is None else names)
    return float(standard_errors(s)), interval(np.asarray(values), s)


def test_standard_error_of_clusters_by_hand():
    # Mean 0.5; residual sums: a 3 - 1.5, b 0 - 1, c 0 - 0.5; G / (G - 1) = 1.5.
    assert estimate(*CLUSTERED)[0] == pytest.approx(math.sqrt(1.5 * (1.5**2 + 1 + 0.25)) / 6)


def test_few_clusters_and_equal_answers_in_a_cluster_are_worth_few_items():
    s = sums_of(*CLUSTERED)
    effect = 1.5 * 3.5 / 36 / (0.25 / 5)
    fewer = stats.t.ppf(0.975, 5) / stats.t.ppf(0.975, 2)
    assert effective_n(s) == pytest.approx(6 / effect * fewer**2)
    assert effective_n(sums_of([1.0] * 6, CLUSTERED[1])) == pytest.approx(36 / (9 + 4 + 1))


@pytest.mark.parametrize(("right", "n"), [(0, 20), (20, 20), (1, 20), (70, 100), (999, 1000)])
def test_independent_answers_have_wilsons_interval(right, n):
    found = estimate([1.0] * right + [0.0] * (n - right))[1]
    expected = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert found == pytest.approx((expected.low, expected.high), abs=1e-5)


def test_answers_in_clusters_have_an_interval_that_holds_wilsons_and_the_bootstraps():
    values, names = np.array([1.0] * 8 + [0.0] * 52), np.arange(60) // 4
    s = sums_of(values, names)
    low, high = interval(values, s)
    inner = stats.binomtest(8, 60).proportion_ci(method="wilson")
    assert low <= bootstrap_intervals(s)[0] and high >= bootstrap_intervals(s)[1]
    assert low < inner.low - 0.03 and high > inner.high + 0.1


def test_none_of_twenty_goes_up_to_sixteen_percent():
    assert estimate([0.0] * 20)[1] == (0.0, pytest.approx(0.161, abs=0.0005))


def test_bootstrap_of_graded_values_agrees_with_scipy():
    values = np.random.default_rng(1).beta(2, 5, 200)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=2).confidence_interval
    found = bootstrap_intervals(sums_of(values, range(200)))
    assert np.array(found) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_bootstrap_of_few_clusters_is_about_students():
    rng = np.random.default_rng(2)
    s = sums_of(rng.normal(0.5, 0.1, 60), np.repeat(np.arange(12), 5))
    low, high = bootstrap_intervals(s)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 11) * standard_errors(s), rel=0.12)


def test_interval_of_fractions_holds_the_bootstraps_and_is_wider_near_zero():
    for values in ([0.5] + [0.0] * 19, [0.5, 0.25, 1.0, 0.0] * 5):
        s = sums_of(values, range(20))
        low, high = bootstrap_intervals(s)
        lower, higher = estimate(values)[1]
        assert lower <= low and high <= higher
    s = sums_of([0.5] + [0.0] * 19, range(20))
    assert bootstrap_intervals(s)[1] < 0.11 and interval(np.array([0.5] + [0.0] * 19), s)[1] > 0.13
    assert estimate([0.5] * 20)[1] == pytest.approx((0.299, 0.701), abs=0.001)  # Wilson's of 10 of 20
    assert estimate([1.5, 2.0, 0.5])[1] == tuple(map(float, bootstrap_intervals(sums_of([1.5, 2.0, 0.5], range(3)))))


def test_interval_of_paired_answers_is_bonett_and_prices():
    # Of 40 pairs 9 favour the second run and 3 the first: with one added to each, 10 and 4 of 42.
    low, high = paired_proportion_intervals(sums_of([1.0] * 9 + [-1.0] * 3 + [0.0] * 28, range(40)))
    half = 1.96 * math.sqrt((14 / 42 - (6 / 42) ** 2) / 42)
    assert (float(low), float(high)) == pytest.approx((6 / 42 - half, 6 / 42 + half))
    low, high = paired_proportion_intervals(sums_of([0.0] * 20, range(20)))
    assert low == -high and 0.1 < high < 0.15


@pytest.mark.parametrize(("value", "scale"), [(0.0, 1.0), (1.5, 1.5), (-3.0, 3.0)])
def test_equal_graded_values_have_the_width_of_pairs_that_agree(value, scale):
    s = sums_of([value] * 20, range(20))
    low, high = map(float, graded_intervals(s, scale))
    agreeing = float(paired_proportion_intervals(sums_of([0.0] * 20, range(20)))[1])
    assert high - value == pytest.approx(scale * agreeing) == value - low
    if value:
        assert estimate([value] * 20)[1] == (low, high)
    fewer = graded_intervals(sums_of([value] * 20, [number // 5 for number in range(20)]), scale)
    assert float(fewer[1]) - value == pytest.approx(scale * 1.96 * math.sqrt(2) / 6)


def test_clusters_with_equal_means_are_not_sure_either():
    low, high = graded_intervals(sums_of([0.2, 0.4] * 6, [number // 2 for number in range(12)]), 1.0)
    assert low < 0.3 - 0.1 and high > 0.3 + 0.1


def test_graded_values_that_vary_have_the_bootstraps_interval():
    s = sums_of([1.5, 2.0, 0.5], range(3))
    assert graded_intervals(s, 100.0) == bootstrap_intervals(s)


def test_fewer_than_two_clusters_have_no_interval():
    assert sums_of([], []) is None
    assert sums_of([0.5], ["a"]) is None
    assert sums_of([0.5, 1.0, 0.0], ["a", "a", "a"]) is None


def test_a_difference_of_two_proportions_is_newcombes():
    # Newcombe (1998), table II, example (a), method 10: 56 of 70 less 48 of 80 is 0.2, [0.0524, 0.3339].
    parts = [estimate([1.0] * right + [0.0] * (n - right))[1] for right, n in ((56, 70), (48, 80))]
    assert combined([1, -1], [56 / 70, 48 / 80], parts) == pytest.approx((0.0524, 0.3339), abs=0.0001)


def test_a_mean_of_independent_parts_has_the_root_of_their_squares():
    assert combined([0.5, 0.5], [0.4, 0.6], [(0.3, 0.5), (0.5, 0.8)]) == pytest.approx(
        (0.5 - math.hypot(0.05, 0.05), 0.5 + math.hypot(0.05, 0.1))
    )


@given(SAMPLES)
@settings(max_examples=40, deadline=None)
def test_interval_contains_the_mean_and_stays_among_possible_values(sample):
    values, names = zip(*sample, strict=True)
    s = sums_of(values, names)
    for low, high in (interval(np.array(values), s), bootstrap_intervals(s)):
        assert -1e-9 <= low <= s.mean <= high <= 1 + 1e-9


@given(SAMPLES, st.randoms())
@settings(max_examples=40, deadline=None)
def test_neither_the_order_of_items_nor_the_names_of_clusters_count(sample, random):
    shuffled = random.sample(sample, len(sample))
    names = random.sample(range(100), 9)
    before = estimate(*zip(*sample, strict=True))
    after = estimate(*zip(*((value, f"name {names[cluster]}") for value, cluster in shuffled), strict=True))
    assert before[0] == pytest.approx(after[0], abs=1e-12) and before[1] == pytest.approx(after[1], abs=1e-12)


@given(st.one_of(st.lists(values, min_size=2, max_size=60) for values in (GRADED, RIGHT_WRONG)))
@settings(max_examples=40, deadline=None)
def test_clusters_of_one_are_independent_items(values):
    s = sums_of(values, range(len(values)))
    textbook = math.sqrt(np.var(values, ddof=1) / len(values))
    assert standard_errors(s) == pytest.approx(textbook, abs=1e-9)
    if set(values) <= {0.0, 1.0}:
        assert effective_n(s) == pytest.approx(len(values))


@given(st.lists(RIGHT_WRONG, min_size=4, max_size=30), st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_asking_the_same_again_makes_no_answer_surer(values, times):
    once = proportion_intervals(sums_of(values, range(len(values))))
    again = proportion_intervals(sums_of(values * times, [*range(len(values))] * times))
    assert again[0] <= once[0] + 1e-9 and again[1] >= once[1] - 1e-9


def test_many_samples_at_once_are_the_samples_one_by_one():
    rng = np.random.default_rng(3)
    sizes = np.array([1, 2, 2, 5])
    sums = rng.integers(0, sizes + 1, (3, 4)).astype(float)
    together = Sums(sums, sizes, sums.sum(axis=-1))
    for function in (proportion_intervals, bootstrap_intervals):
        alone = [function(Sums(row, sizes, row.sum())) for row in sums]
        assert np.transpose(function(together)) == pytest.approx(np.array(alone))
