"""The turns of a question on one image, and the article of a figure."""

import pytest

from data_prep.rows import Reject
from data_prep.sources.source import pmc_article, vqa


@pytest.mark.parametrize(("question", "answer", "reason"), [(" ", "a", "empty_question"), ("q", "\n", "empty_answer")])
def test_turns_without_text(question, answer, reason):
    with pytest.raises(Reject) as raised:
        vqa(question, answer)
    assert raised.value.reason == reason


def test_figures_of_one_article_are_one_group():
    names = ["PMC12_Fig1.jpg", "figures/PMC12_Fig2_3.jpg", "PMC123_Fig1.jpg", "other.jpg"]
    assert [pmc_article(name) for name in names] == ["PMC12", "PMC12", "PMC123", "other.jpg"]
