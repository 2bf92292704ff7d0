"""BLEU-1 by hand, and equal to torchmetrics on anything."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.metrics.bleu import bleu1

WORDS = st.lists(st.sampled_from(["chest", "ct", "no", "the", "صدر"]), max_size=8).map(" ".join)


def test_by_hand():
    # Two of three words are in the reference ("the" is clipped to one); the answer is longer: no brevity penalty.
    assert bleu1("the the chest", "the chest") == pytest.approx(2 / 3)
    # One of one word, reference of three: exp(1 - 3).
    assert bleu1("chest", "a chest ct") == pytest.approx(math.exp(-2))
    # As long as the reference: exp(0) = 1.
    assert bleu1("chest ct", "ct chest") == 1.0


@pytest.mark.parametrize(("prediction", "reference"), [("", "chest"), ("chest", ""), ("", ""), ("ct", "mr")])
def test_nothing_in_common_is_zero(prediction, reference):
    assert bleu1(prediction, reference) == 0.0


@pytest.fixture(scope="module")
def torchmetrics_bleu():
    """torchmetrics' own BLEU, imported before hypothesis starts its clock."""
    return pytest.importorskip("torchmetrics.functional.text").bleu_score


@given(prediction=WORDS, reference=WORDS)
@example(prediction="", reference="")
def test_equals_torchmetrics(torchmetrics_bleu, prediction, reference):
    expected = torchmetrics_bleu([prediction], [[reference]], n_gram=1).item()
    assert bleu1(prediction, reference) == pytest.approx(expected, abs=1e-6)
