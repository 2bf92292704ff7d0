"""Means, standard errors, intervals and paired tests: hand-checked, against scipy, and their properties."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.benchmark import Group, Metric, subgroups
from eval.paired import average, mcnemar, paired, sign_flip
from eval.scores import aggregate, bootstrap_interval
from tests.helpers import eval_builders as make

GRADED = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=2, max_size=60)
RIGHT_WRONG = st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=60)


def line(item, language="en", **facts):
    return make.prediction(item, "", "", language, facts=facts)


def mean_of(values):
    (score,) = aggregate("run", {"metric": Metric(by_id(values))})
    return score


def by_id(values):
    return {f"i{number}": value for number, value in enumerate(values)}


def test_mean_and_standard_error_by_hand():
    score = mean_of([1.0, 0.0, None, 1.0, 1.0])
    assert (score.value, score.n, score.unscored) == (0.75, 4, 1)
    assert score.stderr == pytest.approx(0.25)  # sqrt(0.75 / 3) / sqrt(4)


def test_interval_of_right_and_wrong_is_the_binomials():
    # 70 of 100 right: the number right in a draw is binomial(100, 0.7), whose middle 95% is 61 to 79.
    low, high = bootstrap_interval([1.0] * 70 + [0.0] * 30)
    expected = stats.binom.ppf([0.025, 0.975], 100, 0.7) / 100
    assert (low, high) == pytest.approx(tuple(expected), abs=0.011)


def test_interval_of_graded_values_agrees_with_scipy():
    values = np.random.default_rng(1).beta(2, 5, 200)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=2).confidence_interval
    assert bootstrap_interval(list(values)) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_many_equal_values_take_the_shorter_way_to_the_same_interval():
    values = np.repeat(np.random.default_rng(3).random(10), 30)
    jittered = values + np.random.default_rng(4).normal(0, 1e-9, len(values))
    assert bootstrap_interval(values) == pytest.approx(bootstrap_interval(jittered), abs=0.004)


def test_too_few_values_have_no_interval():
    assert bootstrap_interval([]) is None
    assert bootstrap_interval([0.5]) is None
    assert mean_of([None]).value is None


@given(GRADED)
@settings(max_examples=25)
def test_interval_lies_among_the_values_and_does_not_know_their_order(values):
    low, high = bootstrap_interval(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert bootstrap_interval(values[::-1]) == (low, high)


def test_subgroups_only_where_there_are_several():
    lines = [line("a", type="x"), line("b", "ar", type="x"), line("c", "ar", type="x")]
    assert subgroups(lines, "language", "type") == [
        Group({}, {"a", "b", "c"}),
        Group({"language": "ar"}, {"b", "c"}),
        Group({"language": "en"}, {"a"}),
    ]


def test_every_group_is_counted_on_its_own():
    lines = [line("a"), line("b", "ar"), line("c", "ar")]
    values = {"accuracy": {"a": 1.0, "b": 0.0, "c": None}, "open": {"a": 0.5}}
    groups = subgroups(lines, "language")
    scores = aggregate("run", {name: Metric(items, groups) for name, items in values.items()})
    found = {(s.metric, s.subgroup.get("language", "")): (s.value, s.n, s.unscored) for s in scores}
    assert found == {
        ("accuracy", ""): (0.5, 2, 1),
        ("open", ""): (0.5, 1, 0),
        ("accuracy", "ar"): (0.0, 1, 1),
        ("accuracy", "en"): (1.0, 1, 0),
        ("open", "en"): (0.5, 1, 0),
    }


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 9), (5, 5), (0, 6), (3000, 3200)])
def test_mcnemar_is_the_binomial_test(only_a, only_b):
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(expected)


def test_sign_flip_agrees_with_scipy():
    differences = np.array([0.1, -0.2, 0.3, 0.25, 0.4, -0.05, 0.15, 0.3])
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(differences) == pytest.approx(exact, abs=0.015)


@given(st.one_of(GRADED, RIGHT_WRONG), st.data())
@settings(max_examples=25)
def test_swapping_the_runs_turns_the_sign(values, data):
    kind = st.sampled_from([0.0, 1.0]) if set(values) <= {0.0, 1.0} else st.floats(0, 1, allow_subnormal=False)
    others = data.draw(st.lists(kind, min_size=len(values), max_size=len(values)))
    there, back = paired(by_id(values), by_id(others)), paired(by_id(others), by_id(values))
    assert there.difference == pytest.approx(-back.difference)
    assert there.p == pytest.approx(back.p) and 0 < there.p <= 1
    low, high = there.interval
    assert low - 1e-9 <= there.difference <= high + 1e-9 or math.isclose(low, high)


def test_only_items_that_both_scored_count():
    result = paired({"a": 1.0, "b": 0.0, "c": 1.0, "d": None}, {"b": 1.0, "c": 1.0, "d": 1.0, "e": 0.0})
    assert (result.a, result.b, result.n, result.difference) == (0.5, 1.0, 2, 0.5)
    assert paired({"a": 1.0}, {"a": 0.0}) is None


def test_a_difference_inside_its_interval_is_not_shown():
    rng = np.random.default_rng(5)
    a = by_id((rng.random(200) < 0.5).astype(float))
    same = by_id((rng.random(200) < 0.5).astype(float))
    better = {item: max(value, float(rng.random() < 0.5)) for item, value in a.items()}
    assert not paired(a, a).shown and not paired(a, same).shown
    assert paired(a, better).shown and paired(a, better).test == "McNemar"
    # Three items that agree: their interval leaves 0 out, but one in four flips of signs is as far from 0.
    three = paired(by_id([0.0, 0.1, 0.2]), by_id([0.1, 0.3, 0.5]))
    assert three.interval[0] > 0 and three.p > 0.2 and not three.shown
    assert replace(three, p=0.01).shown and not replace(three, p=0.01, interval=(-0.1, 0.5)).shown


def test_equal_runs_are_told_apart_about_as_often_as_the_level_says():
    rng = np.random.default_rng(6)
    shown = sum(paired(by_id(rng.random(30)), by_id(rng.random(30))).shown for _ in range(40))
    assert shown <= 6  # 2 expected; 7 or more has a chance below 1 in 200


def test_average_of_benchmarks_is_a_z_test_of_independent_parts():
    rng = np.random.default_rng(7)
    parts = [paired(by_id(rng.random(40)), by_id(rng.random(40) + 0.2)) for _ in range(3)]
    found = average(parts)
    assert found.difference == pytest.approx(np.mean([part.difference for part in parts]))
    z = found.difference / (math.sqrt(sum(part.stderr**2 for part in parts)) / 3)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(z))) and found.n == 120
    assert found.interval[1] - found.difference == pytest.approx(1.96 * found.stderr)
    same = average([paired({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 0.0})])
    assert same.p == 1.0 and not same.shown
