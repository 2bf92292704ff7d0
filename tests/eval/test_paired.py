"""Paired tests: hand-checked, against scipy, over clusters, and Holm's correction of many of them."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.paired import FLIPS, MCNEMAR, average, holm, mcnemar, p_of, paired, sign_flip

GRADED = st.floats(0, 1, allow_subnormal=False)
RIGHT_WRONG = st.sampled_from([0.0, 1.0])
RUNS = st.one_of(st.lists(st.tuples(values, values), min_size=2, max_size=40) for values in (GRADED, RIGHT_WRONG))
PS = st.lists(st.floats(1e-6, 1), min_size=1, max_size=20)


def by_id(values):
    return {f"i{number}": float(value) for number, value in enumerate(values)}


def some(p):
    """A comparison with this p."""
    found = paired(by_id([0.0, 0.1, 0.2]), by_id([0.1, 0.3, 0.5]))
    return replace(found, p=p, adjusted=p)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 9), (5, 5), (0, 6), (3000, 3200)])
def test_mcnemar_is_the_binomial_test(only_a, only_b):
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(np.array(only_a), np.array(only_b)) == pytest.approx(expected)


def test_sign_flip_agrees_with_scipy():
    differences = np.array([0.1, -0.2, 0.3, 0.25, 0.4, -0.05, 0.15, 0.3])
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(differences) == pytest.approx(exact, abs=0.008)
    assert sign_flip(np.stack([differences, -differences, 0 * differences])) == pytest.approx(
        [exact, exact, 1], abs=0.008
    )


def test_clusters_are_flipped_whole():
    # Eight items in three clusters, all better: of the 2^3 signs of clusters two are as far from 0.
    a, b = by_id([0.0] * 8), by_id([1.0] * 8)
    clusters = {item: "xxxyyyzz"[number] for number, item in enumerate(a)}
    found = paired(a, b, clusters)
    assert found.p == pytest.approx(0.25, abs=0.02) and not found.shown
    assert (found.n, found.clusters, found.test) == (8, 3, "cluster permutation")
    alone = paired(a, b)
    assert (alone.p, alone.clusters, alone.test) == (pytest.approx(2 / 2**8), 8, MCNEMAR)
    assert paired(a, b, dict.fromkeys(a, "x")) is None


@given(RUNS, st.data())
@settings(max_examples=25, deadline=None)
def test_swapping_the_runs_turns_the_sign(pairs, data):
    first, second = map(by_id, zip(*pairs, strict=True))
    clusters = data.draw(st.sampled_from([{}, {item: item[-1] for item in first}]))
    there, back = paired(first, second, clusters), paired(second, first, clusters)
    assert there.difference == pytest.approx(-back.difference, abs=1e-12)
    assert there.p == pytest.approx(back.p) and 0 < there.p <= 1
    low, high = there.interval
    assert -1 - 1e-9 <= low <= there.difference + 1e-12 and there.difference - 1e-12 <= high <= 1 + 1e-9


@given(RUNS, st.randoms())
@settings(max_examples=25, deadline=None)
def test_neither_the_order_of_items_nor_the_names_of_clusters_count(pairs, random):
    items = [(f"i{number}", *pair) for number, pair in enumerate(pairs)]
    found = []
    for order, names in ((items, "abcd"), (random.sample(items, len(items)), "dbca")):
        clusters = {item: names[int(item[1:]) % 4] for item, _, _ in items}
        found.append(paired({i: a for i, a, _ in order}, {i: b for i, _, b in order}, clusters))
    assert found[0].p == pytest.approx(found[1].p)
    assert found[0].interval == pytest.approx(found[1].interval, abs=1e-9)


def test_only_items_that_both_scored_count():
    result = paired({"a": 1.0, "b": 0.0, "c": 1.0, "d": None}, {"b": 1.0, "c": 1.0, "d": 1.0, "e": 0.0})
    assert (result.a, result.b, result.n, result.difference) == (0.5, 1.0, 2, 0.5)
    assert paired({"a": 1.0}, {"a": 0.0}) is None


def test_a_difference_inside_its_interval_is_not_shown():
    rng = np.random.default_rng(5)
    a = by_id(rng.random(200) < 0.5)
    same = by_id(rng.random(200) < 0.5)
    better = {item: max(value, float(rng.random() < 0.5)) for item, value in a.items()}
    assert not paired(a, a).shown and not paired(a, same).shown
    assert paired(a, better).shown and paired(a, better).test == MCNEMAR
    # Three items that agree: their interval leaves 0 out, but one in four flips of signs is as far from 0.
    three = paired(by_id([0.0, 0.1, 0.2]), by_id([0.1, 0.3, 0.5]))
    assert three.interval[0] > 0 and three.p > 0.2 and not three.shown
    assert replace(three, adjusted=0.01).shown and not replace(three, adjusted=0.01, interval=(-0.1, 0.5)).shown


@pytest.mark.parametrize(("grade", "scale"), [(0.5, 1.0), (1.25, 1.25)])
def test_equal_grades_of_both_runs_have_an_interval_with_a_width(grade, scale):
    found = paired(by_id([grade] * 20), by_id([grade] * 20))
    half = 1.96 * math.sqrt(2) * scale / 22
    assert found.interval == pytest.approx((-half, half)) and found.p == 1.0 and not found.shown
    shifted = paired(by_id([grade] * 20), by_id([grade / 2] * 20))
    assert shifted.interval == pytest.approx((-grade / 2 - half, -grade / 2 + half)) and shifted.shown


def test_an_average_over_a_benchmark_with_equal_grades_is_not_surer_than_it():
    same = paired(by_id([0.5] * 20), by_id([0.5] * 20))
    found = average([same, same])
    assert found.interval[1] == pytest.approx(same.interval[1] / math.sqrt(2)) and found.interval[0] < 0


def test_average_of_benchmarks_takes_their_errors_for_independent():
    rng = np.random.default_rng(7)
    parts = [paired(by_id(rng.random(40)), by_id(rng.random(40) + 0.2)) for _ in range(3)]
    found = average(parts)
    assert found.difference == pytest.approx(np.mean([part.difference for part in parts])) and found.n == 120
    below = math.sqrt(sum((part.difference - part.interval[0]) ** 2 for part in parts)) / 3
    assert found.difference - found.interval[0] == pytest.approx(below)
    assert found.p == pytest.approx(2 * stats.norm.sf(1.96 * found.difference / below))
    same = average([paired({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 0.0})])
    assert same.p == 1.0 and not same.shown


@pytest.mark.parametrize(
    ("difference", "interval", "p"),
    [(0.2, (0.0, 0.3), 0.05), (-0.2, (-0.3, 0.0), 0.05), (0.0, (-0.1, 0.1), 1.0), (0.1, (-0.1, 0.2), 0.327)],
)
def test_p_of_an_interval(difference, interval, p):
    assert p_of(difference, interval) == pytest.approx(p, abs=0.0005)


@pytest.mark.parametrize("interval", [(0.5, 0.5), (0.4999, 0.5001)])
def test_no_p_is_zero(interval):
    assert p_of(0.5, interval) > 0
    assert paired(by_id([0.0] * 5000), by_id([1.0] * 5000)).p > 0
    assert paired(by_id([0.0] * 50), by_id([0.5] * 50)).p == pytest.approx(1 / (1 + FLIPS))


def test_holm_by_hand():
    adjusted = [found.adjusted for found in holm([some(p) for p in (0.01, 0.04, 0.03, 0.005)])]
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [found.shown for found in holm([some(p) for p in (0.01, 0.04, 0.03, 0.005)])] == [True, False, False, True]
    assert holm([]) == []


@given(PS)
def test_holm_keeps_the_order_and_lies_between_the_raw_p_and_bonferronis(ps):
    adjusted = [found.adjusted for found in holm([some(p) for p in ps])]
    assert all(p <= after <= min(1, len(ps) * p) + 1e-12 for p, after in zip(ps, adjusted, strict=True))
    pairs = sorted(zip(ps, adjusted, strict=True))
    assert all(first[1] <= second[1] for first, second in itertools.pairwise(pairs))
