"""MultiMedEval's VQA metrics: every case is worked out by hand in its comment."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.multimedeval import CONTRACTIONS, clean_str, is_closed, score_vqa

CLEANED = [
    # "," has a space after it: deleted. "-" has none beside it: a space. The last period and the articles go.
    ("The X-ray, of a chest.", "x ray of chest"),
    # "- " stands once in the text, so both "-" are deleted.
    ("left - right-sided", "left rightsided"),
    # " -" alone does it too.
    ("left -right-sided", "left rightsided"),
    # A comma between digits: every mark is deleted, "-" too.
    ("1,000 x-rays", "1000 xrays"),
    # A comma without digits around and without spaces becomes a space.
    ("liver,spleen", "liver spleen"),
    # The text as it came decides: "/" has no space beside it there, though it gets one when ";" becomes a space.
    ("x;/y z/w", "x y z w"),
    # A period before a digit stays, any other goes, with no space in its place.
    ("1.5 cm.", "1.5 cm"),
    (".5 of 3. x.y", ".5 of 3 xy"),
    # Exactly 32 periods go: the 33rd stays.
    ("x" + "." * 32, "x"),
    ("x" + "." * 33, "x."),
    # Number words, none among them; only whole words.
    ("None", "0"),
    ("zero one ten eleven", "0 1 10 eleven"),
    ("The", ""),
    ("an apple a day", "apple day"),
    # A mark that becomes a space can set an article free: "a/b" is "a" and "b".
    ("a/b", "b"),
    # Contractions by the spelling without one apostrophe.
    ("dont", "don't"),
    ("couldnt've couldn'tve couldntve", "couldn't've couldn't've couldntve"),
    ("somebody'd", "somebodyd"),
    # "Im" is in VQAv2's table with a capital only, so lowered text never matches.
    ("Im", "im"),
    ("shes lets", "shes lets"),
    # All other marks without spaces.
    ('[a]"b"{c}(d)=e+f\\g_h>i<j@k`l!m?n', "b c d e f g h i j k l m n"),
    # Arabic marks are not in the list.
    ("نعم، يوجد؟", "نعم، يوجد؟"),
    # Arabic-Indic digits are digits for the pattern: the period before one stays, and "٣,٥" deletes all marks.
    ("٣.٥", "٣.٥"),
    ("٣,٥ x-y", "٣٥ xy"),
    ("   ", ""),
]


@pytest.mark.parametrize(("text", "expected"), CLEANED)
def test_clean_str(text, expected):
    assert clean_str(text) == expected


SCORED = [
    # {yes, it, is} and {yes}: P = 1/3, R = 1, F1 = 2/3 / (4/3 + 1e-8). BLEU: 1 of 3 words, longer than gold.
    ("Yes, it is.", "yes", 1 / 3, 1.0, 0.5, True, True),
    # An answer with both words is right for both gold answers. {yes, no}: P = 1/2, R = 1, F1 = 1 / 1.5.
    ("Yes and no", "No", 1 / 3, 1.0, 0.5, True, True),
    ("yes no", "yes", 1 / 2, 1.0, 2 / 3, True, True),
    # "no" accepts {no, not}: half of it is 0.5 >= 0.4. Recall itself compares with {no} only: 0.
    ("not seen", "no", 0.0, 0.0, 0.0, True, True),
    ("nothing", "no", 0.0, 0.0, 0.0, True, False),
    # The other way round there is no such kindness.
    ("not yet", "yes", 0.0, 0.0, 0.0, True, False),
    # {upper, lobe} of {right, upper, lobe}: R = 2/3 < 0.75, P = 1, F1 = (4/3) / (5/3). BLEU: 2/2 * exp(1 - 3/2).
    ("upper lobe", "right upper lobe", math.exp(-0.5), 2 / 3, 0.8, False, False),
    # 3 of 4 gold words are just enough. P = 3/6, F1 = 2 * 0.5 * 0.75 / 1.25. BLEU: 3 of 6 words, longer than gold.
    ("i see mass in left lobe", "mass in left lung", 3 / 6, 0.75, 0.6, False, True),
    # Sets: gold {lung, left}. R = 1/2, P = 1, F1 = 1 / 1.5. BLEU counts words: 1/1 * exp(1 - 3/1).
    ("lung", "lung lung left", math.exp(-2), 0.5, 2 / 3, False, False),
    # BLEU clips: "lung" counts once of three. Sets: {lung} = {lung}.
    ("lung lung lung", "lung", 1 / 3, 1.0, 1.0, False, True),
    # Both cleaned: "none" and "zero" are "0".
    ("zero", "None", 1.0, 1.0, 1.0, False, True),
    ("", "chest", 0.0, 0.0, 0.0, False, False),
    ("the", "chest", 0.0, 0.0, 0.0, False, False),
    # An Arabic yes is an open question for MultiMedEval.
    ("نعم", "نعم", 1.0, 1.0, 1.0, False, True),
]


@pytest.mark.parametrize("case", SCORED)
def test_score_vqa(case):
    prediction, gold, bleu, recall, f1, closed, correct = case
    score = score_vqa(prediction, gold)
    assert (score.bleu, score.recall, score.f1) == pytest.approx((bleu, recall, f1), abs=1e-7)
    assert (score.closed, score.correct) == (closed, correct)


def test_f1_has_the_epsilon_in_its_denominator():
    # P = R = 1: 2 / (2 + 1e-8), a little below 1.
    assert score_vqa("chest", "chest").f1 == 2 / (2 + 1e-8) < 1


def test_closed_follows_the_gold_answer_after_cleaning():
    assert is_closed("Yes.") and is_closed("the no") and not is_closed("yes it is") and not is_closed("not")


@pytest.mark.parametrize("prediction", ["chest", "the", ""])
def test_gold_without_words_scores_zero(prediction):
    score = score_vqa(prediction, "The")
    assert (score.bleu, score.recall, score.f1, score.closed, score.correct) == (0, 0, 0, False, False)


def test_contractions_have_every_single_dropped_apostrophe():
    # 'ow's'at without its first, second or third apostrophe; y'all'd've likewise.
    assert {word for word, right in CONTRACTIONS.items() if right == "'ow's'at"} == {"ow's'at", "'ows'at", "'ow'sat"}
    assert {word for word, right in CONTRACTIONS.items() if right == "y'all'd've"} == {
        "yall'd've",
        "y'alld've",
        "y'all'dve",
    }
    assert CONTRACTIONS["twas"] == "'twas"


TEXTS = st.text(st.sampled_from("ab no1,.-/'؟ ن\n"), max_size=30)


@given(TEXTS, TEXTS)
def test_scores_stay_in_their_range(prediction, gold):
    score = score_vqa(prediction, gold)
    assert all(0 <= value <= 1 for value in (score.bleu, score.recall, score.f1))
    assert (score.recall == 0) == (score.f1 == 0) == (score.bleu == 0)


@given(TEXTS.filter(clean_str))
def test_the_gold_answer_itself_is_right(gold):
    score = score_vqa(gold, gold)
    assert score.correct and score.recall == 1 and score.bleu == 1
