"""The corrected VQA metrics: every case is worked out by hand in its comment."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.multimedeval import score_vqa
from eval.metrics.vqa import score_corrected, words

WORDS = [
    ("The two X-rays", ["2", "x", "rays"]),
    # "none" is a word of its own, not the number 0.
    ("none", ["none"]),
    ("ثلاثة فصوص", ["3", "فصوص"]),
    ("٣ فصوص", ["3", "فصوص"]),
    ("أشعّة سينيّة", ["اشعه", "سينيه"]),
    ("An apple, a day!", ["apple", "day"]),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_words(text, expected):
    assert words(text) == expected


SCORED = [
    # P = {lung}, G = {lung, lung, left}: 1 common of 1 and 3. recall 1/3, f1 2/4; BLEU 1/1 * exp(1 - 3).
    ("lung", "lung lung left", 1 / 3, 2 / 4, math.exp(-2), False),
    # Repeating a word does not help: 1 common of 3 and 1. f1 2/4, BLEU 1/3.
    ("lung lung lung", "lung", 1, 2 / 4, 1 / 3, True),
    # 3 of 4 words: 0.75 is enough. f1 6/7, BLEU 3/3 * exp(1 - 4/3).
    ("mass in left", "mass in left lung", 3 / 4, 6 / 7, math.exp(-1 / 3), True),
    # Hamza, diacritics and teh marbuta make no difference.
    ("الرِّئة اليسرى", "الرئه اليسري", 1, 1, 1, True),
    # MultiMedEval keeps the Arabic comma on the word; here 2 of 2.
    ("الكبد، الطحال", "الطحال الكبد", 1, 1, 1, True),
    ("", "chest", 0, 0, 0, False),
]


@pytest.mark.parametrize("case", SCORED)
def test_open_answers(case):
    prediction, gold, recall, f1, bleu1, correct = case
    score = score_corrected(prediction, gold, "What is it?", closed=False)
    assert (score.recall, score.f1, score.bleu1) == pytest.approx((recall, f1, bleu1))
    assert score.correct is correct


CLOSED = [
    ("Yes, it is.", "yes", True),
    ("There is no fracture", "No", True),
    # The first word decides: here "no" denies something else.
    ("Yes, there is no fracture", "no", False),
    ("Yes, there is no fracture", "yes", True),
    # Both, and neither first: right for neither.
    ("It is yes and no", "yes", False),
    ("It is yes and no", "no", False),
    ("not seen", "no", False),
    ("normal", "yes", False),
    ("", "no", False),
    ("نعم، يوجد ارتشاح", "نعم", True),
    ("نعم، لا يوجد كسر", "لا", False),
    ("لا يوجد كسر", "لا", True),
    ("كلا", "لا", True),
    # The model may answer in the other language; the stance counts.
    ("No", "لا", True),
]


@pytest.mark.parametrize(("prediction", "gold", "right"), CLOSED)
def test_yes_and_no(prediction, gold, right):
    assert score_corrected(prediction, gold, "Is it?", closed=True).correct is right


CHOSEN = [
    ("the left one", "left", "Is the mass left or right?", True),
    ("left and right", "left", "Is the mass left or right?", False),
    ("the liver", "Liver", "Which is bigger here, the kidney or the liver?", True),
    ("kidney", "Liver", "Which is bigger here, the kidney or the liver?", False),
    ("liver and kidney", "Liver", "Which is bigger here, the kidney or the liver?", False),
    ("right lung", "left lung", "Is it the left lung or the right lung?", False),
    ("الكلية", "الكلية", "أيهما أكبر، الكلية أو الكبد؟", True),
    ("الكلية والكبد", "الكبد", "أيهما أكبر، الكلية أم الكبد؟", False),
    # No "or": all words of the gold answer are enough, some are not.
    ("it is a chest x-ray", "X-ray", "What is the modality?", True),
    ("ray", "X-ray", "What is the modality?", False),
    # "or" as the last word has nothing behind it.
    ("left", "left", "left or", True),
]


@pytest.mark.parametrize(("prediction", "gold", "question", "right"), CHOSEN)
def test_one_of_two(prediction, gold, question, right):
    assert score_corrected(prediction, gold, question, closed=True).correct is right


def test_what_the_quirks_hide():
    # MultiMedEval: an answer with both words is right for both gold answers.
    assert score_vqa("yes and no", "yes").correct and score_vqa("yes and no", "no").correct
    assert not score_corrected("it is yes and no", "no", "Is it?", closed=True).correct
    # MultiMedEval: "not" is a "no"; a repeated word counts once.
    assert score_vqa("not seen", "no").correct
    assert score_vqa("lung lung lung", "lung").f1 == pytest.approx(1)


def test_gold_without_words_has_no_score():
    with pytest.raises(ValueError, match="'The' has no words"):
        score_corrected("chest", "The", "What?", closed=False)


TEXTS = st.text(st.sampled_from("ab no1٣,.-/'؟نعملاأ \n"), max_size=30)
GOLD = TEXTS.filter(words)


@given(TEXTS, GOLD, st.booleans())
def test_scores_stay_in_their_range(prediction, gold, closed):
    score = score_corrected(prediction, gold, "left or right?", closed=closed)
    assert all(0 <= value <= 1 for value in (score.recall, score.f1, score.bleu1))
    assert (score.recall == 0) == (score.f1 == 0) == (score.bleu1 == 0)


@given(GOLD, st.booleans())
def test_the_gold_answer_itself_is_right(gold, closed):
    score = score_corrected(gold, gold, "", closed=closed)
    assert (score.recall, score.f1, score.correct) == (1, 1, True)
    assert score.bleu1 == pytest.approx(1)


@given(GOLD, GOLD)
def test_f1_is_symmetric(one, other):
    assert score_corrected(one, other, "", closed=False).f1 == score_corrected(other, one, "", closed=False).f1


@given(GOLD, GOLD, st.randoms(use_true_random=False))
def test_order_and_space_of_words_change_neither_recall_nor_f1(one, other, random):
    shuffled = words(one)
    random.shuffle(shuffled)
    before = score_corrected(one, other, "", closed=False)
    after = score_corrected("  \n".join(shuffled), other, "", closed=False)
    assert (before.recall, before.f1) == (after.recall, after.f1)
