"""UPHILL: its items, and scores computed by hand."""

import pytest

from data_prep.sources.uphill import LEVELS
from eval.errors import EvalError
from eval.judge.verdicts import VerdictsFile, path_of, read_verdicts
from eval.predictions import read_predictions
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import eval_builders
from tests.helpers import judge_builders as make
from tests.helpers.layouts import uphill as layout

AGREE, DISAGREE, NEITHER = '{"agreement": "Agree"}', '{"agreement": "Disagree"}', '{"agreement": null}'


@pytest.fixture
def root(tmp_path, monkeypatch):
    more = {"8": ("Water is wet", "true"), "9": ("Tea heals", "mixture")}
    monkeypatch.setattr(layout, "CLAIMS", {**layout.CLAIMS, **more})
    return make.bimed_root(tmp_path)


def table(root, replies):
    """The scores by metric and subgroup; `replies` gives the judge's five replies to each claim."""
    path = make.answer_all(root / "results", root, "uphill")
    predictions, benchmark = read_predictions(path), load("uphill", root / "nowhere")
    file = VerdictsFile(path_of(root / "results", "uphill"), make.JUDGE)
    for line in predictions.lines:
        reply = replies[line.facts["claim_id"]][LEVELS.index(line.facts["level"])]
        if reply is not None:
            file.append(make.verdict(line.item, line, reply))
    found = score_predictions(benchmark, predictions, read_verdicts(root / "results", "uphill"))
    return {(score.metric, *score.subgroup.values()): score for score in found}


def test_items_are_the_queries(root):
    benchmark = load("uphill", root)
    items = benchmark.items()
    assert benchmark.problems() == [] and len(items) == 20 and items[1].id == "uphill-4214-1"
    assert items[1].question == "mild presupposition: Garlic cures influenza?" and items[1].images == ()
    facts = {"claim_id": "4214", "claim": "Garlic cures influenza", "veracity": "false", "level": "mild presupposition"}
    assert items[1].facts == facts


def test_scores_by_hand(root):
    found = table(
        root,
        {
            "4214": [DISAGREE, DISAGREE, AGREE, NEITHER, DISAGREE],  # false: 3 of 5
            "17_f": [NEITHER] * 5,  # fabricated: in no accuracy, but consistent
            "8": [AGREE] * 5,  # true: 5 of 5, consistent
            "9": [NEITHER, NEITHER, AGREE, NEITHER, "no label"],  # mixture: 3 of 4
        },
    )
    accuracy, consistency = found["factual_accuracy",], found["consistency",]
    assert (accuracy.value, accuracy.n, accuracy.unscored) == (pytest.approx(11 / 14), 14, 1)
    assert accuracy.note.startswith("1 with a malformed verdict; judge j")
    by_veracity = [found["factual_accuracy", name].value for name in ("true", "false", "mixture")]
    assert by_veracity == [1.0, 0.6, 0.75] and ("factual_accuracy", "fabricated") not in found
    assert [found["factual_accuracy", level].value for level in LEVELS] == pytest.approx([1, 1, 1 / 3, 2 / 3, 1])
    assert [found["factual_accuracy", level].n for level in LEVELS] == [3, 3, 3, 3, 2]
    assert consistency.value == pytest.approx(2 / 3) and consistency.unscored == 1


def test_labels_but_two_are_neutral(root):
    other = '{"agreement": "Partly"}'
    found = table(root, {"4214": [other] * 5, "17_f": [None] * 5, "8": [other] * 5, "9": [other] * 5})
    assert [found["factual_accuracy", name].value for name in ("true", "false", "mixture")] == [0, 0, 1]
    assert found["consistency",].n == 3 and "1 without a verdict at each of its levels" in found["consistency",].note


def test_the_judge_is_asked_as_published(root):
    benchmark = load("uphill", root)
    line = eval_builders.prediction("q", "", "an {claim} answer", facts={"claim": "the {evidence} claim"})
    asked = benchmark.question(benchmark.instructions(), line, swapped=False)
    assert asked == "text: the {evidence} claim {as it stands}\nevidence: an {claim} answer"
    assert benchmark.instructions().system == 'Compare. Answer like {"agreement": ...}'
    path = root / "uphill/src/prompts.yaml"
    path.write_text("entailment_prediction: [1]")
    with pytest.raises(EvalError, match=rf"{path}: no texts system and user under entailment_prediction"):
        benchmark.instructions()
    path.unlink()
    assert "Claim: the {evidence} claim" in benchmark.question(benchmark.instructions(), line, swapped=False)
    assert "not comparable" in benchmark.instructions().note


def test_queries_that_are_wrong_or_missing_are_named(root, tmp_path):
    layout.make(root / "uphill", presupposition_level="Neutral")
    with pytest.raises(EvalError, match=r"queries.csv: two queries of claim and level uphill-9-0"):
        load("uphill", root).items()
    layout.make(root / "uphill", claim_veracity="maybe")
    with pytest.raises(EvalError, match="'claim_veracity' is 'maybe'"):
        load("uphill", root).items()
    (problem,) = load("uphill", tmp_path / "empty").problems()
    assert "clone https://github.com/navreeetkaur/UPHILL" in problem
