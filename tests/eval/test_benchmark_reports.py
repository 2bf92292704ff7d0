"""MIMIC-III and MIMIC-CXR in their real layouts, and the scores of reports."""

import pytest

from eval.errors import EvalError
from eval.metrics import meteor as meteor_module
from eval.metrics.reports.scorers import METRICS
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers.layouts import mimic_cxr, mimic_iii
from tests.helpers.prediction_builders import answered, single_values, texts, value


@pytest.fixture
def summaries(tmp_path):
    mimic_iii.make(tmp_path / "MIMIC-III")
    (tmp_path / "MIMIC-III/test_ids.csv").write_text("ids\n174\n175\n177\n")
    return load("mimic_iii", tmp_path)


def test_mimic_iii_is_asked_and_expected_in_lower_case(summaries, capsys):
    assert summaries.problems() == []
    head, belly = summaries.items()
    assert texts(head) == ["no bleed in ___'s head or neck.\nSummarize the findings."] and not head.images
    assert head.gold == "1. no bleed. 2. no mass."
    assert belly.question == "liver fine. bladder fine.\nSummarize the findings."
    assert "1 of 3 rows are left out (1 bad_row)" in capsys.readouterr().err


def test_mimic_iii_needs_the_ids_of_its_test_split(summaries):
    (summaries.folder / "test_ids.csv").unlink()
    (problem,) = summaries.problems()
    assert "test_ids.csv: there is no such file. Get it:" in problem and "croyer/MIMIC-III-split" in problem


def test_mimic_cxr_shows_all_pictures_of_a_study(tmp_path):
    mimic_cxr.make_multimedeval(tmp_path / "MIMIC-CXR")
    table = tmp_path / "MIMIC-CXR/mimic-cxr-jpg/2.0.0/mimic-cxr-2.0.0-split.csv"
    table.write_text(table.read_text().replace("50414267,10000032,train", "50414267,10000032,test"))
    benchmark = load("mimic_cxr", tmp_path)
    assert benchmark.problems() == []
    both, one = benchmark.items()
    assert texts(both) == [None, None, "Please caption this scan with findings and impression."]
    assert len(both.images) == 2 and both.gold == "There is no focal consolidation. COPD: ___."
    assert benchmark.image(both.images[1])[:2] == b"\xff\xd8"
    assert (one.id, one.gold) == ("mimic_cxr-50771383", "The tube ends above the carina.")


@pytest.fixture
def no_wordnet(monkeypatch):
    monkeypatch.setattr(meteor_module, "meteor", lambda: None)


def test_scores_of_reports(summaries, no_wordnet):
    head, belly = summaries.items()
    scores = score_predictions(summaries, answered([head, belly], {head.id: "no bleed.", belly.id: None}), [])
    # gold "1. no bleed. 2. no mass.": 2 of 2 words, exp(1 - 6/2). BLEU-4: no group of three.
    bleu1 = value(scores, "multimedeval.bleu1")
    assert (bleu1.value, bleu1.n, bleu1.unscored) == (pytest.approx(0.1353353), 1, 1)
    assert value(scores, "multimedeval.bleu4").value == 0
    # 2 of 2 and 2 of 6 words in order: 2 * 1 * 1/3 / (4/3).
    assert value(scores, "multimedeval.rougeL").value == pytest.approx(0.5)


def test_what_needs_weights_is_not_computed_and_says_why(summaries, no_wordnet):
    scores = score_predictions(summaries, answered(summaries.items(), "normal."), [])
    for metric in ("multimedeval.meteor", "ratescore", *(f"multimedeval.{name}" for name in METRICS if name[0] != "r")):
        score = value(scores, metric)
        assert (score.value, score.n, score.unscored) == (None, 0, 2)
        assert score.note.startswith("not computed: ")
    assert value(scores, "multimedeval.radcliq").unit == "score"


@pytest.fixture
def wordnet(monkeypatch):
    """A METEOR that stands for the real one (tests/eval/test_metrics_meteor.py), so that no WordNet is needed."""

    class Equal:
        note = "a note"

        def __call__(self, prediction, reference):
            return float(prediction == reference)

    monkeypatch.setattr(meteor_module, "meteor", Equal)


def test_meteor_is_computed_where_there_is_a_wordnet(summaries, wordnet):
    head, belly = summaries.items()
    score = value(score_predictions(summaries, answered([head, belly], head.gold), []), "multimedeval.meteor")
    assert (score.value, score.n, score.note) == (0.5, 2, "a note")


SCORER = """
def lengths(predictions, references):
    return [len(prediction) / len(reference) for prediction, reference in zip(predictions, references)]
def short(predictions, references):
    return [1.0]
def broken(predictions, references):
    raise RuntimeError("no weights")
"""


def scored_with(summaries, config):
    (summaries.root / "scorers_of_a_user.py").write_text(SCORER)
    (summaries.root / "report_metrics.yml").write_text(config)
    head, belly = summaries.items()
    return score_predictions(summaries, answered([head, belly], {head.id: head.gold, belly.id: belly.gold * 2}), [])


def test_a_scorer_of_the_user(summaries, no_wordnet):
    config = "radcliq: scorers_of_a_user:lengths\nratescore: scorers_of_a_user:lengths\n"
    scores = scored_with(summaries, config)
    radcliq = value(scores, "multimedeval.radcliq")
    assert (radcliq.value, radcliq.n, radcliq.unit) == (1.5, 2, "score")
    assert value(scores, "ratescore").value == 1.5
    assert value(scores, "multimedeval.chexbert").value is None


BROKEN = [
    ("radgraph: scorers_of_a_user:lengths", "radgraph: no such metric. Known: f1_radgraph, chexbert"),
    ("chexbert: scorers_of_a_user:nothing", "'scorers_of_a_user:nothing' is no function"),
    ("chexbert: no_such_module:f", "'no_such_module:f' is no function"),
    ("chexbert: scorers_of_a_user:broken", r"it failed \(RuntimeError: no weights\)"),
    ("chexbert: scorers_of_a_user:short", "returned 1 numbers for 2 reports"),
    ("- chexbert", "expected one `metric: module:function` per line"),
    ("a: [", "not YAML"),
]


@pytest.mark.parametrize(("config", "message"), BROKEN)
def test_a_broken_scorer_is_one_message(summaries, no_wordnet, config, message):
    with pytest.raises(EvalError, match=message) as error:
        scored_with(summaries, config)
    assert "report_metrics.yml" in str(error.value)


def test_single_values(summaries, no_wordnet):
    head, belly = summaries.items()
    values = single_values(summaries, answered([head, belly], {head.id: head.gold, belly.id: None}))
    assert values["multimedeval.rougeL"] == {head.id: 1.0, belly.id: None}
    assert set(values) == {f"multimedeval.{name}" for name in ("bleu1", "bleu4", "rougeL")}


def test_meteor_is_among_the_single_values_where_there_is_a_wordnet(summaries, wordnet):
    head, belly = summaries.items()
    values = single_values(summaries, answered([head, belly], {head.id: head.gold, belly.id: None}))
    assert values["multimedeval.meteor"] == {head.id: 1.0, belly.id: None}


def test_scoring_reads_no_file_of_the_benchmark(summaries, no_wordnet):
    predictions = answered(summaries.items(), "normal.")
    elsewhere = load("mimic_iii", summaries.root / "nowhere")
    assert value(score_predictions(elsewhere, predictions, []), "multimedeval.bleu1").n == 2
