"""Open-i's studies: pictures to findings, and findings to impression, from a folder or from torchxrayvision."""

import sys

import pytest

from eval.benchmarks import iu_xray
from eval.errors import EvalError
from eval.metrics import meteor as meteor_module
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import openi_layout
from tests.helpers.prediction_builders import answered, texts, value


@pytest.fixture
def root(tmp_path):
    openi_layout.make(tmp_path / "IU-Xray")
    return tmp_path


def test_the_impression_is_asked_of_reports_that_have_both(root):
    benchmark = load("iu_xray_summary", root)
    assert benchmark.problems() == []
    first, second = benchmark.items()
    # By number, not by name; white space of the XML is collapsed.
    assert (first.id, second.id) == ("iu_xray-2", "iu_xray-11")
    assert texts(first) == ["The heart is normal. Lungs are clear.\nSummarize the findings."]
    assert (first.gold, first.images) == ("Normal chest.", ())


def test_the_findings_are_asked_of_studies_with_pictures(root):
    benchmark = load("iu_xray", root)
    assert benchmark.problems() == []
    first, second = benchmark.items()
    assert texts(first) == [None, None, "Please caption this scan with findings and impression."]
    assert (second.id, second.gold) == ("iu_xray-3", "Borderline heart, XXXX.")
    assert benchmark.image(first.images[1])[:2] == b"\xff\xd8"
    with pytest.raises(EvalError, match=r"iu_xray: missing_image: CXR9\.png"):
        benchmark.image("CXR9.png")


def test_scores(root, monkeypatch):
    monkeypatch.setattr(meteor_module, "meteor", lambda: None)
    benchmark = load("iu_xray_summary", root)
    scores = score_predictions(benchmark, answered(benchmark.items(), "Normal chest."), [])
    assert value(scores, "multimedeval.rougeL").value == 0.5


@pytest.mark.parametrize("installed", [True, False])
def test_torchxrayvision_is_read_and_never_imported(tmp_path, monkeypatch, installed):
    openi_layout.make_wheel(tmp_path / "torchxrayvision")
    if installed:
        monkeypatch.syspath_prepend(str(tmp_path))
    benchmark = load("iu_xray_summary", tmp_path / "elsewhere" if installed else tmp_path)
    assert benchmark.problems() == [] and len(benchmark.items()) == 2
    assert "torchxrayvision" not in sys.modules


def test_nothing_there(tmp_path, monkeypatch):
    monkeypatch.setattr(iu_xray.importlib.util, "find_spec", lambda name: None)
    (problem,) = load("iu_xray_summary", tmp_path).problems()
    assert "no reports" in problem and "torchxrayvision==1.5.7" in problem
    with pytest.raises(EvalError, match="no reports"):
        load("iu_xray_summary", tmp_path).items()
    assert len(load("iu_xray", tmp_path).problems()) == 2


BROKEN = [
    ("<eCitation>", "2.xml is no report of Open-i"),
    ("<eCitation/>", "2.xml is no report of Open-i"),
    ('<eCitation><uId id="PMC3"/></eCitation>', "2.xml is no report of Open-i"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_report_is_one_message(root, text, message):
    (root / "IU-Xray/ecgen-radiology/2.xml").write_text(text)
    with pytest.raises(EvalError, match=message):
        load("iu_xray_summary", root).items()


def test_a_damaged_archive_and_an_empty_folder(tmp_path):
    openi_layout.make_wheel(tmp_path / "torchxrayvision")
    archive = tmp_path / "torchxrayvision/data/NLMCXR_reports.tgz"
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(EvalError, match="a damaged archive"):
        iu_xray.read_reports(archive)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvalError, match="there is no report in it"):
        iu_xray.read_reports(tmp_path / "empty")


def test_the_real_reports_of_torchxrayvision():
    place = iu_xray.find_reports()
    if place is None:
        pytest.skip("torchxrayvision is not installed")
    found = iu_xray.read_reports(place)
    assert len(found) == 3955
    assert sum(bool(report.findings and report.impression) for report in found) == 3419
