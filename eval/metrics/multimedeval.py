"""The VQA metrics of MultiMedEval 1.0.0 (`VQA.evaluate`), with their quirks.

A score is comparable with published MultiMedEval tables only with the same quirks: a question is closed if its
reference answer is yes or no in English, whatever the dataset says; an answer that says both yes and no is right for
both; an open answer is judged by how many words of the reference it contains, so a long answer is never penalised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from eval.metrics.text_match import bleu1

# The word tables of VQAv2's answer normalisation.
ARTICLES = frozenset({"a", "an", "the"})

NUMBER_WORDS = {
    "none": "0",
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}

PUNCTUATION = (";", "/", "[", "]", '"', "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!")

# Contractions are looked up by a spelling that lacks one apostrophe ("dont", "couldnt've", "couldn'tve"), so the table
# is made from the correct spellings. Spellings with a capital I ("Im") are in VQAv2's table, but never match a lowered
# text; they are left out, and "im" stays "im".
_WITH_APOSTROPHES = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've
he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've
o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've
there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've
wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


def _without_one_apostrophe(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place, letter in enumerate(word) if letter == "'"]


CONTRACTIONS = {spelling: word for word in _WITH_APOSTROPHES.split() for spelling in _without_one_apostrophe(word)}
# This entry of the original table goes the wrong way round; a faithful score keeps it.
CONTRACTIONS["somebody'd"] = "somebodyd"

COMMA_IN_NUMBER = re.compile(r"\d,\d")
PERIOD = re.compile(r"\.(?!\d)")
# MultiMedEval passes the flag re.UNICODE (32) to sub() as its count.
PERIODS_DROPPED = int(re.UNICODE)
F1_EPSILON = 1e-8
CLOSED_RECALL = 0.4
OPEN_RECALL = 0.75


@dataclass(frozen=True)
class VqaScore:
    """The metrics of one answer; each is in [0, 1]. `correct` is the accuracy of its kind, closed or open."""

    bleu: float
    recall: float
    f1: float
    closed: bool
    correct: bool


def clean_str(text: str) -> str:
    """Normalise an answer as MultiMedEval does.

    All occurrences of a punctuation mark are deleted if one of them is next to a space, or if the text has a comma
    between digits; else they become spaces. Only the first 32 periods without a following digit are deleted.
    """
    text = text.lower()
    cleaned = text
    delete_all = COMMA_IN_NUMBER.search(text) is not None
    for mark in PUNCTUATION:
        delete = delete_all or f"{mark} " in text or f" {mark}" in text
        cleaned = cleaned.replace(mark, "" if delete else " ")
    cleaned = PERIOD.sub("", cleaned, count=PERIODS_DROPPED)
    words = [NUMBER_WORDS.get(word, word) for word in cleaned.split()]
    words = [CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES]
    return " ".join(words).replace(",", "")


def is_closed(gold: str) -> bool:
    """Tell whether MultiMedEval counts a question as closed: its cleaned reference answer is yes or no."""
    return clean_str(gold) in {"yes", "no"}


def is_scorable(gold: str) -> bool:
    """Tell whether the reference answer is not empty after cleaning; MultiMedEval scores an empty one as 0."""
    return bool(clean_str(gold))


def score_vqa(prediction: str, gold: str) -> VqaScore:
    """Score one answer.

    Recall and F1 compare the sets of words: P = |pred & gold| / |pred|, R = |pred & gold| / |gold|,
    F1 = 2PR / (P + R + 1e-8). A closed answer is right from a recall of 0.4, where the reference "no" is the set
    {no, not}; an open one from a recall of 0.75. If either text is empty after cleaning, every metric is 0.
    """
    clean_prediction, clean_gold = clean_str(prediction), clean_str(gold)
    predicted, expected = set(clean_prediction.split()), set(clean_gold.split())
    recall = _recall(predicted, expected)
    precision = _recall(expected, predicted)
    closed = clean_gold in {"yes", "no"}
    if closed:
        accepted = {"no", "not"} if clean_gold == "no" else expected
        correct = _recall(predicted, accepted) >= CLOSED_RECALL
    else:
        correct = recall >= OPEN_RECALL
    return VqaScore(
        bleu=bleu1(clean_prediction, clean_gold),
        recall=recall,
        f1=2 * precision * recall / (precision + recall + F1_EPSILON),
        closed=closed,
        correct=correct,
    )


def _recall(found: set[str], wanted: set[str]) -> float:
    """Return the share of `wanted` that is in `found`; 0 if `wanted` is empty."""
    return len(found & wanted) / len(wanted) if wanted else 0.0
