"""The report and its figures: the right numbers in the right cells, and no text from data that acts as markup."""

import json
from xml.etree import ElementTree

import pytest

from eval.cli import main
from eval.errors import EvalError
from eval.predictions import read_all
from eval.report.beside_paper import small_print
from eval.report.figures import read_losses
from eval.report.report import summary, write_report
from eval.report.results import Results
from eval.report.samples import pick_samples
from eval.report.tables import exact_table, value_text
from eval.scores import Score, score
from tests.helpers import eval_builders as make

NASTY = "<script>alert(1)</script>\n\n# heading | [x](y) & more\x07"
LINES = [
    *(make.prediction(f"en{number}#0", "chest", "chest" if number else "head") for number in range(6)),
    *(make.prediction(f"ar{number}#0", "صدر", "صدر" if number else "رأس", "ar") for number in range(6)),
    make.prediction("nasty#0", "head", NASTY),
]


@pytest.fixture
def training(tmp_path):
    """A training run with two checkpoints, of which 10 is newer than 9."""
    run = tmp_path / "stage_two"
    for step in (9, 10):
        (run / f"checkpoint-{step}").mkdir(parents=True)
        history = [{"step": 1, "loss": 3.0}, {"step": step, "loss": 1.0}, {"step": step, "eval_loss": 1.5}]
        (run / f"checkpoint-{step}" / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    return run


@pytest.fixture
def results(tmp_path):
    results = tmp_path / "eval"
    make.write_predictions(results, "train", LINES)
    make.write_predictions(results, "train_permuted", LINES[:1], images="permuted", permuted={"seed": 0})
    make.write_predictions(results, "base_train", LINES[:2], images="not shown")
    score(results)
    return results


def test_short_table(results):
    table = exact_table(Results.read(results))
    # English: 5 of 7 right (en0 and the nasty one wrong); Arabic: 5 of 6; Wilson's intervals.
    assert table[1:] == [
        ["trained, hand/train", "71.4 [35.9, 91.8] (n=7)", "83.3 [43.6, 97.0] (n=6)"],
        ["trained, images permuted, hand/train", "0.0 (n=1)", "-"],
        ["base model, images not shown, hand/train", "50.0 [9.5, 90.5] (n=2)", "-"],
    ]


def test_scores_of_an_earlier_version_are_read(results):
    path = results / "scores.json"
    lines = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{k: v for k, v in line.items() if k != "clusters"} for line in lines]))
    found = Results.read(results)
    assert {score.clusters for score in found.scores} == {0}
    assert exact_table(found)[1][1] == "71.4 [35.9, 91.8] (n=7)"
    assert small_print(found.scores[0], percent=True).endswith("n=13")


def test_unscored_items_are_told():
    score = Score("r", "exact", 0.5, 2, 0.5, 3, {}, (0.095, 0.905))
    assert value_text(score) == "50.0 [9.5, 90.5] (n=2, 3 unscored)"
    assert value_text(Score("r", "exact", None, 0, None, 3, {})) == "- (n=0, 3 unscored)"


def test_report_has_all_sections_and_no_text_from_data_acts_as_markup(results, training):
    write_report(results, [training], results / "report.md")
    page = (results / "report.md").read_text(encoding="utf-8")
    assert "71.4 \\[35.9, 91.8\\] (n=7)" in page and "openQuestionsRecall" in page
    assert "Not for medical use" in page and "decoding greedy" in page and "rows by language: en 3, ar 2" in page
    assert page.count('<div dir="rtl" lang="ar">') >= 3 and '<div dir="rtl" lang="ar">رأس</div>' in page
    for name in ("loss.svg", "scores.svg"):
        assert f"]({name})" in page
        assert ElementTree.parse(results / name).getroot().tag.endswith("svg")
    assert "<script" not in page and "\x07" not in page and "\n# heading" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br># heading | [x](y) &amp; more\N{REPLACEMENT CHARACTER}" in page


def test_samples_take_turns_between_languages_and_verdicts(results):
    samples = pick_samples(read_all(results))
    assert len(samples) == 10
    assert {line.item for _, line in samples} >= {"en0#0", "ar0#0", "nasty#0"}
    assert [line.language for _, line in samples].count("ar") >= 4
    assert all(run.name == "train" for run, _ in samples)


def test_loss_comes_from_the_newest_checkpoint(training):
    assert read_losses(training) == ([(1, 3.0), (10, 1.0)], [(10, 1.5)])


def test_a_run_without_trainer_state(tmp_path, results, capsys):
    assert main(["report", str(results), "--training", str(tmp_path / "none")]) == 1
    assert "none: no checkpoint-*/trainer_state.json" in capsys.readouterr().err
    assert not (results / "report.md").exists()


def test_summary_ends_with_the_checkpoint_and_the_report(results, capsys):
    assert main(["summary", str(results)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["merged checkpoint: outputs/model", f"report: {results}/report.md, {results}/report.html"]
    assert lines[2].split("  ")[0] == "trained, hand/train"


@pytest.mark.parametrize("content", [None, "{", '{"a": 1}', '[{"value": 1}]'])
def test_no_scores_or_broken_ones_name_the_command(tmp_path, content):
    make.write_predictions(tmp_path, "train", LINES)
    if content:
        (tmp_path / "scores.json").write_text(content)
    for use in (summary, lambda results: write_report(results, [], results / "report.md")):
        with pytest.raises(EvalError, match=r"scores\.json: .*python -m eval score"):
            use(tmp_path)
    assert not list(tmp_path.glob("report.*"))
