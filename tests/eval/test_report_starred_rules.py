"""The paper's starred rows by rules that the reader chooses."""

import json
from dataclasses import replace

import pytest

from eval.cli import main
from eval.errors import EvalError
from eval.report.beside_paper import our_column, rescaled, side_by_side, with_rules
from eval.report.paper import TABLES, Row
from eval.report.report import write_report
from eval.report.results import Results
from tests.helpers import report_builders as make

BOTH = ["bleu4=times10", "radcliq=reciprocal"]


@pytest.fixture
def raw(tmp_path):
    """A folder with the 8B's published numbers of Table 7, the starred ones as before two rules."""
    scores = make.published_scores("BiMediX2 8B", [("report_generation",)])
    back = {"multimedeval.bleu4": 0.0016, "multimedeval.radcliq": 1 / 0.86}
    scores = [replace(score, value=back.get(score.metric, score.value)) for score in scores]
    scores = [
        replace(score, interval=(0.5 * score.value, 2 * score.value)) if score.metric in back else score
        for score in scores
    ]
    make.write_run(tmp_path, "mimic_cxr")
    make.write_scores(tmp_path, scores)
    return tmp_path


def generation(chosen):
    (table,) = (table for table in with_rules(TABLES, chosen) if table.key == ("report_generation",))
    return table


def test_both_rules_give_the_rows_and_the_published_average(raw):
    table = generation(BOTH)
    column = our_column(table, Results.read(raw))
    values = {place[1]: score for place, score in column.scores.items()}
    assert values["BLEU-4*"].value == pytest.approx(0.016)
    assert values["BLEU-4*"].interval == pytest.approx((0.008, 0.032))
    assert values["RadCliQ*"].value == pytest.approx(0.86)
    assert values["RadCliQ*"].interval == pytest.approx((0.43, 1.72))
    assert column.average == pytest.approx(0.235, abs=0.0005)
    notes = side_by_side(table, [column], with_published=True).notes
    assert any("BLEU-4* as 10 x of ours, chosen with --starred" in note for note in notes)
    assert not any("raw, not rescaled" in note for note in notes) and not table.notes


def test_one_rule_leaves_the_other_row_raw_and_no_average(raw):
    table = generation(["bleu4=times10"])
    column = our_column(table, Results.read(raw))
    assert column.average is None and "unpublished rule" in column.no_average and table.notes


def test_rules_touch_no_other_row():
    unstarred = [[row for row in table.rows if not row.place[-1].endswith("*")] for table in TABLES]
    assert [[row for row in table.rows if not row.rule] for table in with_rules(TABLES, BOTH)] == unstarred
    assert with_rules(TABLES, []) == TABLES


@pytest.mark.parametrize(("value", "interval"), [(-0.2, (-0.5, 0.1)), (0.0, (0.0, 0.0))])
def test_no_reciprocal_of_what_is_not_positive(value, interval):
    row = Row(("MIMIC-CXR", "RadCliQ*"), "mimic_cxr", "multimedeval.radcliq", rule="reciprocal")
    score = rescaled(row, make.fraction("mimic_cxr", "multimedeval.radcliq", 1.0, unit="score"))
    assert score.value == 1
    lost = rescaled(row, replace(score, value=value, interval=interval))
    assert lost.value is None and lost.interval is None and "no 1 / x of" in lost.note
    assert rescaled(row, replace(score, interval=(-0.1, 2.0))).interval is None


@pytest.mark.parametrize("word", ["bleu4", "bleu4=by10", "meteor=times10", "radcliq="])
def test_unknown_rules_are_one_message(word):
    with pytest.raises(EvalError, match=r"--starred .*expected METRIC=RULE.*bleu4, radcliq.*times10 \(10 x\)"):
        with_rules(TABLES, [word])


def test_report_says_the_rules(raw):
    write_report(raw, [], raw / "report.md", "published", starred=BOTH)
    assert "BLEU-4* as 10 x of ours" in (raw / "report.html").read_text()
    tables = json.loads((raw / "report.json").read_text())["paper"]["tables"]
    rules = {row["place"][-1]: row["rule"] for table in tables for row in table["rows"] if row["rule"]}
    assert rules == {"BLEU-4*": "times10", "RadCliQ*": "reciprocal"}


def test_a_misspelt_rule_is_told_before_scoring(tmp_path, capsys):
    assert main(["report", str(tmp_path), "--starred", "bleu4=x10"]) == 1
    assert "--starred bleu4=x10" in capsys.readouterr().err
