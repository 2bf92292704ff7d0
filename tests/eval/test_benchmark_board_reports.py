"""Reports under the protocol of MedEvalKit's board, and CheXpert Plus from its own table."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.benchmarks.board_reports import PROMPT
from eval.errors import EvalError
from eval.metrics.reports.medevalkit import prepared
from eval.metrics.text_match import bleu
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers.layouts import medevalkit as layout
from tests.helpers.prediction_builders import answered, texts, value


def test_iu_xray_is_asked_and_expected_as_on_the_board(tmp_path, capsys):
    layout.make_clone(tmp_path)
    benchmark = load("iu_xray_board", tmp_path)
    assert benchmark.problems() == []
    first, second = benchmark.items()
    assert texts(first) == [None, None, PROMPT] and "Findings: {} Impression: {}." in PROMPT
    assert first.gold == "Findings: Low volumes. Heart normal. Impression: No acute disease.."
    assert (second.id, second.gold) == ("iu_xray_board-open_i_7", "Findings:   Impression: Clear..")
    assert benchmark.image(first.images[1])[:4] == b"\x89PNG"
    assert "2 of 4 rows are left out (1 missing_image, 1 no_report)" in capsys.readouterr().err


def test_images_of_the_other_iu_xray_benchmark_serve(tmp_path):
    layout.make_clone(tmp_path, images="elsewhere")
    benchmark = load("iu_xray_board", tmp_path)
    assert "images: there is no such folder" in benchmark.problems()[0]
    (tmp_path / "MedEvalKit/datas/IU_XRAY/elsewhere").rename(tmp_path / "moved")
    (tmp_path / "IU-Xray").mkdir()
    (tmp_path / "moved").rename(tmp_path / "IU-Xray/NLMCXR_png")
    assert load("iu_xray_board", tmp_path).problems() == []


@pytest.mark.parametrize(("name", "data"), [("mimic_cxr_board", "MIMIC_CXR"), ("chexpert_plus_board", "CheXpert_Plus")])
def test_the_two_whose_split_is_not_published(tmp_path, name, data):
    (problem, *_) = load(name, tmp_path).problems()
    assert f"{data}/test.json: there is no such file. Get it: clone" in problem and "is not published" in problem
    layout.make_clone(tmp_path, data, [{"image": "a.png", "findings": "Clear.", "impression": "Normal."}])
    benchmark = load(name, tmp_path)
    (item,) = benchmark.items()
    assert (benchmark.problems(), item.id, item.images) == ([], f"{name}-1", ("a.png",))


def test_scores_of_the_whole_answer(tmp_path):
    layout.make_clone(tmp_path)
    benchmark = load("iu_xray_board", tmp_path)
    first, second = benchmark.items()
    answers = {first.id: f"<think>hm</think>{first.gold.upper()}", second.id: ""}
    scores = score_predictions(benchmark, answered([first, second], answers), [])
    assert value(scores, "without_reasoning.medevalkit.bleu4").value == 0.5
    assert 0 < value(scores, "medevalkit.bleu4").value < 0.5
    assert value(scores, "ratescore").n == 0 and "no weights" in value(scores, "ratescore").note


WORDS = st.lists(st.sampled_from(["Clear", "lungs.", "no", "effusion", "Heart."]), min_size=4, max_size=12)


@given(WORDS, WORDS)
def test_bleu_is_nltk_s_over_medevalkit_s_words(prediction, reference):
    sentence_bleu = pytest.importorskip("nltk.translate.bleu_score").sentence_bleu
    pair = prepared(" ".join(prediction)), prepared(" ".join(reference))
    assert pair[0] == " ".join(word.lower().replace(".", " .") for word in prediction)
    for n in (1, 2):
        ours = bleu(*pair, n)
        theirs = sentence_bleu([pair[1].split()], pair[0].split(), weights=[1 / n] * n)
        # Without a common n-gram nltk gives the smallest float in place of 0.
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_a_file_of_another_kind(tmp_path):
    layout.make_clone(tmp_path, studies=[{"image": ["a.png"], "findings": None, "impression": "x"}])
    with pytest.raises(EvalError, match=r"test\.json: no study has a report and images\. Get it: clone"):
        load("iu_xray_board", tmp_path).items()
    (tmp_path / "MedEvalKit/datas/IU_XRAY/test.json").write_text(json.dumps({"a": 1}, indent=1))
    with pytest.raises(EvalError, match=r"iu_xray_board: .*test\.json: neither a JSON list nor JSON Lines"):
        load("iu_xray_board", tmp_path).items()


@pytest.mark.parametrize("pictures", ["PNG/PNG", "PNG", "images"])
def test_chexpert_plus_asks_the_studies_of_its_valid_split(tmp_path, pictures, capsys):
    layout.make_chexpert_plus(tmp_path, pictures=pictures)
    benchmark = load("chexpert_plus", tmp_path)
    assert benchmark.problems() == []
    (item,) = benchmark.items()
    assert item.id == "chexpert_plus-patient64541/study1" and len(item.images) == 2
    assert texts(item) == [None, None, PROMPT]
    assert item.gold == "Findings: Clear lungs. Impression: Normal.."
    assert benchmark.image(item.images[1])[:4] == b"\x89PNG"
    assert "1 of 2 rows are left out (1 no_report)" in capsys.readouterr().err


def test_chexpert_plus_without_a_split_column_and_without_a_section(tmp_path):
    layout.make_chexpert_plus(tmp_path, [name for name in layout.COLUMNS if name != "split"])
    assert len(load("chexpert_plus", tmp_path).items()) == 1
    layout.make_chexpert_plus(tmp_path / "b", [name for name in layout.COLUMNS if name != "section_findings"])
    with pytest.raises(EvalError, match="no column section_findings; use the file as it was released"):
        load("chexpert_plus", tmp_path / "b").items()


def test_chexpert_plus_missing(tmp_path):
    problem, images = load("chexpert_plus", tmp_path).problems()
    assert "there is no such file. Get it: https://aimi.stanford.edu/datasets/chexpert-plus" in problem
    assert "PNG: there is no such folder or archive" in images
