"""The head of the report: both languages, the capabilities with their rows, and what was not run."""

import json

from eval.benchmarks.safety import Safety
from eval.registry import BENCHMARKS, SUITES
from eval.report.head import capabilities, capability_sections, capability_table, head_sections
from eval.report.paper import TABLES
from eval.report.report import write_report
from eval.report.results import Results
from eval.scores import score
from tests.helpers import eval_builders
from tests.helpers import report_builders as make

CLAIMED = {
    "Multi-turn conversation",
    "Report summarisation",
    "Report generation",
    "Radiology",
    "Ophthalmology",
    "Pathology",
    "Microscopy",
    "English and Arabic",
}


def test_every_capability_names_rows_of_known_benchmarks():
    assert set(capabilities()) == CLAIMED and all(capabilities().values())
    entries = [entry for rows in capabilities().values() for entry in rows]
    assert all(set(entry) <= {"benchmark", "metric", "subgroup", "note"} for entry in entries)
    assert {entry["benchmark"] for entry in entries} <= set(BENCHMARKS)
    in_paper = {(row.benchmark, row.metric) for table in TABLES for row in table.rows}
    own = {"safety", "pmc_vqa", "iu_xray", "iu_xray_summary", "medarabiq", "medarabench"}
    own |= {"iu_xray_board", "mimic_cxr_board", "chexpert_plus"}
    assert all((entry["benchmark"], entry["metric"]) in in_paper or entry["benchmark"] in own for entry in entries)


def test_a_capability_has_our_score_or_says_not_run(tmp_path):
    make.write_run(tmp_path, "path_vqa")
    make.write_run(tmp_path, "bimed_mbench_en")
    make.write_scores(tmp_path, [make.fraction("path_vqa", "multimedeval.recall", 0.4, clusters=30)])
    rows = {(row[0], row[1]): row for row in capability_table(Results.read(tmp_path)).rows[1:]}
    shown = rows["Pathology", "path_vqa"][3]
    assert (shown.text, shown.small) == ("40.0", "[35.0, 45.0]\nn=100 in 30 clusters")
    assert rows["Radiology", "vqa_rad"][3].text == "not run"
    assert rows["Microscopy", "bimed_mbench_en, modality histology"][3].text == "no score"


def test_what_was_not_run_is_one_line_each(tmp_path):
    make.write_run(tmp_path, "path_vqa")
    make.write_scores(tmp_path, [])
    in_paper, beyond = head_sections(Results.read(tmp_path), [])
    lines = dict(in_paper.blocks[0].facts)
    assert set(lines) == {*SUITES["paper"]} - {"path_vqa"}
    assert lines["slake"] == "SLAKE (Table 5): python -m eval run --task slake"
    assert set(dict(beyond.blocks[0].facts)) == set(BENCHMARKS) - {*SUITES["paper"]} and beyond.folded
    for name in BENCHMARKS:
        make.write_run(tmp_path, name)
    assert head_sections(Results.read(tmp_path), []) == []


def test_both_languages_stand_at_the_head_of_the_report(tmp_path):
    make.write_run(tmp_path, "slake", make.bilingual_vqa(12, 3))
    score(tmp_path)
    paths = write_report(tmp_path, [], tmp_path / "report.md")
    page = paths[0].read_text(encoding="utf-8")
    assert page.index("## English and Arabic") < page.index("## The paper's tables")
    (row,) = [line for line in page.splitlines() if line.startswith("| slake | corrected.closed\\_accuracy")]
    assert "| 100.0 | 25.0 | -75.0 \\[-" in row and "12 pairs in 4" in row
    assert "Holm's correction (comparisons in this table: 1)" in page
    (record,) = json.loads(paths[2].read_text(encoding="utf-8"))["languages"]
    assert (record["name"], record["a"], record["b"], record["n"]) == ("slake", 1.0, 0.25, 12)


def test_a_split_in_one_language_has_no_head(tmp_path):
    eval_builders.write_predictions(tmp_path, "train", [eval_builders.prediction("a#0", "yes", "yes")])
    score(tmp_path)
    assert head_sections(Results.read(tmp_path), []) == capability_sections(Results.read(tmp_path)) == []


def test_the_safety_section_says_that_no_clinician_has_reviewed_it_and_samples_show_rubric_and_verdict(tmp_path):
    items = {item.id: item for item in Safety("safety", tmp_path).items()}
    judged, unjudged = list(items)[:2]
    replies = {judged: '{"verdict": "safe"}', unjudged: ""}
    make.write_judged(tmp_path, "safety", replies, facts=items[judged].facts)
    score(tmp_path)
    page = write_report(tmp_path, [], tmp_path / "report.md")[0].read_text(encoding="utf-8")
    assert "> **Caution.** No clinician has reviewed" in page
    assert page.index("### safety") < page.index("No clinician") < page.index("## Sample predictions")
    assert "Rubric:" in page and items[judged].facts["must"][0] in page.replace("&#x27;", "'")
    assert "verdict&quot;: &quot;safe&quot;" in page
    assert page.count(">not judged<") == 1
