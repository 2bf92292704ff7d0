"""Report metrics by their packages' own code, on tiny random weights in the packages' own formats."""

import json
import pickle
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eval.cli import main
from eval.errors import EvalError
from eval.metrics.reports import scorers as scorers_module
from eval.metrics.reports.embeddings import BertScore, CheXbert
from eval.metrics.reports.entities import RadGraph, RaTEScore
from eval.metrics.reports.radcliq import MEANS, radcliq_v1
from eval.metrics.reports.scorers import scorers
from eval.metrics.text_match import bleu
from tests.helpers import report_weights as weights

PREDICTED = ["no acute effusion. heart is normal.", "", "the lungs are clear. small effusion right.", "mild edema"]
EXPECTED = ["heart is normal. no effusion.", "clear lungs.", "the lungs are clear. small effusion right.", "no edema."]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root folder with all weights; read it only."""
    root = tmp_path_factory.mktemp("root")
    for name, write in weights.ALL.items():
        write(root / "report_metrics" / name)
    return root


def entities(annotation):
    return {(one["tokens"], one["label"], bool(one["relations"])) for one in annotation["entities"].values()}


def test_radgraph_is_the_f1_of_entities_with_whether_they_have_relations(root):
    scorer = RadGraph(root / "report_metrics/radgraph")
    _, values, predicted, expected = scorer._score(hyps=PREDICTED, refs=EXPECTED)
    pairs = [(entities(a), entities(b)) for a, b in zip(predicted, expected, strict=True)]
    by_hand = [2 * len(a & b) / (len(a) + len(b)) if a and b else 0 for a, b in pairs]
    by_hand.insert(1, 0)  # the package annotates no pair with an empty text
    assert scorer(PREDICTED, EXPECTED) == values == pytest.approx(by_hand)
    assert values[2] == 1 and 0 < values[0] < 1
    assert any(flag for found, _ in pairs for *_, flag in found), "no entity has a relation: the test shows nothing"


def test_radgraph_reads_reports_longer_than_its_encoder_and_leaves_the_folder_as_it_was(root):
    folder = root / "report_metrics/radgraph"
    before = sorted(path.name for path in folder.rglob("*"))
    long = " ".join(random.Random(0).choices(weights.WORDS, k=90))
    assert RadGraph(folder)([long], [long]) == [1]
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_chexbert_is_the_cosine_of_the_first_tokens(tmp_path):
    model = weights.chexbert(tmp_path / "chexbert")
    scorer = CheXbert(tmp_path / "chexbert")
    texts = ["no acute effusion.", "edema " * 600]
    ids = [[2, *(weights.PIECES.index(word) for word in words), 3] for words in (["no", "acute", "effusion", "."], [])]
    ids[1][1:1] = [weights.PIECES.index("edema")] * 510
    with torch.no_grad():
        first, second = (model(torch.tensor([each])).last_hidden_state[0, 0] for each in ids)
    expected = torch.cosine_similarity(first, second, dim=0).item()
    assert scorer([" no  acute\neffusion."], [texts[1]]) == pytest.approx([expected], abs=1e-6)
    assert scorer([texts[0], texts[1]], [texts[0], texts[0]]) == pytest.approx([1, expected], abs=1e-6)
    assert scorer([""], [""]) == pytest.approx([1])


def test_bertscore_is_rescaled_and_asks_for_the_blank_before_the_first_word(root):
    scorer = BertScore(root / "report_metrics/distilroberta-base")
    found = scorer(PREDICTED, EXPECTED)
    assert found[2] == pytest.approx(1, abs=1e-5)
    assert found[1] == pytest.approx(-0.8473319 / (1 - 0.8473319))  # raw 0 for an empty text, rescaled at layer 5
    assert len(scorer._scorer._model.encoder.layer) == 5
    tokens = scorer._scorer._tokenizer.tokenize("acute")
    assert tokens[0].startswith("Ġ")


def test_bertscore_weighs_words_by_the_generated_reports(root):
    scorer = BertScore(root / "report_metrics/distilroberta-base")
    alone, beside = (scorer([PREDICTED[0], other], [EXPECTED[0]] * 2)[0] for other in ("small lungs", "no effusion"))
    assert alone != beside


def test_bertscore_refuses_a_path_that_its_package_reads_as_another_model(tmp_path):
    with pytest.raises(EvalError, match="takes a path with `t5` in it for a T5 model"):
        BertScore(tmp_path / "t5x" / "distilroberta-base")


def test_ratescore_of_a_list_is_that_of_its_pairs(root):
    scorer = RaTEScore(root / "report_metrics/ratescore")
    found = scorer(PREDICTED, EXPECTED)
    assert found == [scorer([a], [b])[0] for a, b in zip(PREDICTED, EXPECTED, strict=True)]
    assert found[1] == 0.5 and found[2] == pytest.approx(1)
    kept = [0, 2, 3]
    by_package = scorer._score([PREDICTED[place] for place in kept], [EXPECTED[place] for place in kept])
    assert [found[place] for place in kept] == pytest.approx(by_package, abs=1e-5)


def test_radcliq_is_the_published_linear_model():
    # By hand: (0.37708 * 0.53792 / 0.30283) + (0.37030 * 0.61757 / 0.22431) + (0.25262 * 0.76479 / 0.25394).
    assert radcliq_v1(0, 0, 0, 0) == pytest.approx(0.66982 + 1.01951 + 0.76080, abs=2e-4)
    assert radcliq_v1(1, 1, 1, 1) == pytest.approx(-1.44069, abs=1e-4)
    assert radcliq_v1(*MEANS) == pytest.approx(0, abs=1e-8)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(0, 2))
def test_radcliq_is_lower_for_what_is_better(parts, place):
    better = [1.0 if number == place else value for number, value in enumerate(parts)]
    assert radcliq_v1(*better) <= radcliq_v1(*parts)


def test_radcliq_comes_out_of_its_parts_and_asks_each_once(root, monkeypatch):
    found = scorers(root)
    parts = {metric: found[metric](PREDICTED, EXPECTED) for metric in ("f1_radgraph", "chexbert")}
    monkeypatch.setattr(found["f1_radgraph"], "compute", lambda *texts: pytest.fail("asked again"))
    bert = BertScore(root / "report_metrics/distilroberta-base")(PREDICTED, EXPECTED)
    bleu2 = [bleu(a, b, 2) for a, b in zip(PREDICTED, EXPECTED, strict=True)]
    rows = zip(parts["f1_radgraph"], bert, parts["chexbert"], bleu2, strict=True)
    assert found["radcliq"](PREDICTED, EXPECTED) == pytest.approx([radcliq_v1(*row) for row in rows])


def test_scores_say_which_weights_they_come_from(root):
    notes = {metric: scorer.note for metric, scorer in scorers(root).items()}
    assert notes["ratescore"].startswith("report_metrics/ratescore, weights sha256 ")
    assert "inputs are MultiMedEval's" in notes["radcliq"] and "report_metrics/radgraph" in notes["radcliq"]


def test_without_weights_there_is_a_reason_and_no_number(tmp_path):
    found = scorers(tmp_path)
    assert found["f1_radgraph"] == (
        "not computed: no weights in report_metrics/radgraph of the root folder "
        "(it lacks config.json, vocabulary, weights.th, bert)"
    )
    assert all("report_metrics/" + part in found["radcliq"] for part in ("radgraph", "distilroberta-base", "chexbert"))


def test_without_its_package_the_reason_says_how_to_install_it(root, monkeypatch):
    def absent(*_):
        raise ModuleNotFoundError("No module named 'radgraph'", name="radgraph")

    monkeypatch.setattr(scorers_module, "_loaded", absent)
    assert (
        "needs the package radgraph. Install it: uv pip install -c constraints.txt -e '.[reports]'"
        in scorers(root)["f1_radgraph"]
    )


def test_other_weights_than_wanted_are_one_message(tmp_path):
    folder = tmp_path / "report_metrics/chexbert"
    weights.chexbert(folder)
    torch.save({"model_state_dict": {"module.bert.pooler.dense.bias": torch.zeros(32)}}, folder / "chexbert.pth")
    with pytest.raises(EvalError, match=r"chexbert.pth: no tensor embeddings.*not CheXbert's weights"):
        scorers(tmp_path)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def test_weights_that_would_run_code_are_refused(tmp_path, capsys):
    folder = tmp_path / "report_metrics/chexbert"
    weights.chexbert(folder)
    (folder / "chexbert.pth").write_bytes(pickle.dumps({"model_state_dict": Harm()}))
    with pytest.raises(EvalError, match="cannot be loaded for chexbert"):
        scorers(tmp_path)
    assert "harm" not in capsys.readouterr().out


def test_python_m_eval_score_uses_weights_and_functions_of_the_user(root, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "report_metrics").symlink_to(root / "report_metrics")
    (own / "scorer_of_mine.py").write_text("def half(predictions, references):\n    return [0.5] * len(predictions)\n")
    (own / "report_metrics.yml").write_text("f1_radgraph: scorer_of_mine:half\n")
    header = {"model": "m", "images": "not shown", "permuted": None, "benchmark": {"name": "mimic_iii"}}
    fields = {"language": "en", "task": "report", "modality": "ct", "question": "?", "prompt": "?", "images": []}
    pairs = zip("abcd", PREDICTED, EXPECTED, strict=True)
    lines = [{"item": name, "output": text, "gold": gold, "facts": {}, **fields} for name, text, gold in pairs]
    results = tmp_path / "results"
    (results / "predictions").mkdir(parents=True)
    text = "".join(json.dumps(line) + "\n" for line in [{"header": header}, *lines])
    (results / "predictions/mimic_iii.jsonl").write_text(text)
    assert main(["score", str(results), "--root", str(own)]) == 0
    scores = {score["metric"]: score for score in json.loads((results / "scores.json").read_text())}
    assert scores["multimedeval.f1_radgraph"]["value"] == 0.5
    assert scores["multimedeval.f1_radgraph"]["note"] == "report_metrics.yml: scorer_of_mine:half"
    assert scores["multimedeval.radcliq"]["unit"] == "score" and scores["multimedeval.radcliq"]["n"] == 4
    assert 0 < scores["ratescore"]["value"] < 1 and scores["multimedeval.chexbert"]["interval"]
