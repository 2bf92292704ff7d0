"""What a report says of the data: the overlap of training data with benchmarks."""

import json
import re

import pytest

from eval.errors import EvalError
from eval.report.markdown import inline
from eval.report.provenance import NOT_GIVEN, is_same
from eval.report.report import write_report
from tests.helpers import report_builders as make


def test_overlap_of_training_data(tmp_path):
    left = [{"benchmark": "vqa_rad_test", "reason": "missing_image", "rows": 7}]
    overlaps = [
        {"benchmark": "slake_test", "source": "llava_med", "kind": "image", "rows": 3, "examples": ["r1", "r2", "r3"]},
        {"benchmark": "slake_test", "source": "pmc_oa", "kind": "document", "rows": 4, "examples": ["r4"]},
        {"benchmark": "mmlu", "source": "medqa", "kind": "question", "rows": 2, "examples": ["q1"]}
        | {"action": "drop", "why": "word for word"},
    ]
    manifest = {"name": "bimed-v", "shards": {}, "benchmarks": ["slake_test", "mmlu"], "ledger": {"benchmark": 2}}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.json").write_text(json.dumps({**manifest, "overlaps": overlaps, "uncompared": left}))
    for name in ("slake", "pubmedqa"):
        make.write_run(tmp_path, name)
    make.write_scores(tmp_path, [])
    page = write_report(tmp_path, [], tmp_path / "report.md", data=tmp_path / "data")[0].read_text(encoding="utf-8")
    assert "| slake\\_test | slake | llava\\_med | an image | 3 | kept: another question | r1, r2, r3 |" in page
    assert "| slake\\_test | slake | pmc\\_oa | a document | 4 | kept: another question | r4 |" in page
    assert "| mmlu | no | medqa | a question | 2 | dropped: word for word | q1 |" in page
    assert "not compared with pubmedqa" in page
    assert inline("that could not be compared: 7 of vqa_rad_test (missing_image)") in page
    page = write_report(tmp_path, [], tmp_path / "report.md")[0].read_text(encoding="utf-8")
    assert inline(NOT_GIVEN) in page
    with pytest.raises(EvalError, match=re.escape("manifest.json: there is no manifest")):
        write_report(tmp_path, [], tmp_path / "report.md", data=tmp_path / "nothing")


def test_names_of_benchmarks_meet():
    assert is_same("slake", "slake_test") and is_same("mmlu_anatomy", "mmlu") and is_same("uphill", "uphill")
    assert not is_same("medqa", "medmcqa_validation") and not is_same("mmlu_anatomy", "mmlu_college_biology")
