"""BLEU by hand, and equal to torchmetrics on anything."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.metrics.text_match import bleu, bleu1

WORDS = st.lists(st.sampled_from(["chest", "ct", "no", "the", "صدر"]), max_size=8).map(" ".join)


def test_by_hand():
    # Two of three words are in the reference ("the" is clipped to one); the answer is longer: no brevity penalty.
    assert bleu1("the the chest", "the chest") == pytest.approx(2 / 3)
    # One of one word, reference of three: exp(1 - 3).
    assert bleu1("chest", "a chest ct") == pytest.approx(math.exp(-2))
    # As long as the reference: exp(0) = 1.
    assert bleu1("chest ct", "ct chest") == 1.0


def test_four_words_by_hand():
    # "no focal consolidation is seen" against "no focal consolidation is present": 4/5 words, 3/4 pairs, 2/3 triples,
    # 1/2 fours; as long as the reference.
    value = bleu("no focal consolidation is seen", "no focal consolidation is present")
    assert value == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4))
    # The same in Arabic, one word fewer than the reference: exp(1 - 5/4).
    assert bleu("لا يوجد ارتشاح جنبي", "لا يوجد ارتشاح جنبي كبير") == pytest.approx(math.exp(-1 / 4))
    # Three words have no group of four.
    assert bleu("no focal consolidation", "no focal consolidation") == 0.0
    assert bleu("no focal consolidation", "no focal consolidation", 3) == 1.0


@pytest.mark.parametrize(("prediction", "reference"), [("", "chest"), ("chest", ""), ("", ""), ("ct", "mr")])
def test_nothing_in_common_is_zero(prediction, reference):
    assert bleu1(prediction, reference) == 0.0


@pytest.fixture(scope="module")
def torchmetrics_bleu():
    """torchmetrics' own BLEU, imported before hypothesis starts its clock."""
    return pytest.importorskip("torchmetrics.functional.text").bleu_score


@given(prediction=WORDS, reference=WORDS, n=st.sampled_from([1, 2, 4]))
@example(prediction="", reference="", n=4)
def test_equals_torchmetrics(torchmetrics_bleu, prediction, reference, n):
    expected = torchmetrics_bleu([prediction], [[reference]], n_gram=n).item()
    assert bleu(prediction, reference, n) == pytest.approx(expected, abs=1e-6)
