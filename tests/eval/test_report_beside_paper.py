"""The paper's tables: published numbers in their places, our averages as the paper makes them, gaps that say why."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep.sources.bimed_mbench import CONVERSATION, DESCRIPTION, DOMAINS
from eval.benchmark import Metric
from eval.benchmarks.uphill import ACCURACY
from eval.errors import EvalError
from eval.items import Predictions
from eval.judge.grades import RELATIVE
from eval.metrics.reports.scorers import METRICS
from eval.metrics.vqa import vqa as vqa_metrics
from eval.registry import BENCHMARKS
from eval.report.beside_paper import our_column, our_columns, side_by_side
from eval.report.figures import bars, radar
from eval.report.paper import TABLES, published
from eval.report.report import write_report
from eval.report.results import Results
from tests.helpers import report_builders as make

CLINICAL, MBENCH, _, VQA, _, GENERATION, UPHILL = TABLES
AVERAGED = [(table, model) for table in (CLINICAL, VQA) for model in published(table)]


def texts(row):
    return [cell if isinstance(cell, str) else cell.text for cell in row]


def test_every_published_number_has_its_row():
    for table in TABLES:
        places = {row.place for row in table.rows} | ({table.average} if table.average else set())
        assert all(set(values) == places for values in published(table).values()), table.title


def test_rows_name_scores_that_their_benchmarks_give():
    answers = [make.answer("closed", "yes"), make.answer("open", "lung", gold="lung")]
    vqa = {*vqa_metrics(Predictions("run", {}, answers), Path())}
    assert {row.metric for row in VQA.rows} <= vqa
    reports = {f"multimedeval.{name}" for name in ("bleu1", "bleu4", "rougeL", "meteor", *METRICS)}
    assert {row.metric for row in GENERATION.rows} <= reports
    groups = {tuple(row.subgroup.items()) for row in MBENCH.rows}
    kinds = {(("type", name),) for name in (CONVERSATION, DESCRIPTION)}
    assert groups == {(), *kinds, *((("modality", name),) for name in DOMAINS)}
    assert {row.metric for row in MBENCH.rows} == {RELATIVE} and UPHILL.rows[0].metric == ACCURACY
    assert {row.benchmark for table in TABLES for row in table.rows} <= set(BENCHMARKS)


@pytest.mark.parametrize(("table", "model"), AVERAGED, ids=[f"{table.key[0]}-{model}" for table, model in AVERAGED])
def test_averages_of_published_numbers_are_the_published_averages(tmp_path, table, model):
    results = Results.read(make.write_published(tmp_path, model, [table.key]))
    scale, digits = (100, 1) if table.percent else (1, 3)
    average = published(table)[model][table.average]
    assert scale * our_column(table, results).average == pytest.approx(average, abs=0.5001 * 10**-digits)


def test_average_only_where_every_part_is_there(tmp_path):
    scores = make.published_scores("BiMediX2 8B", [CLINICAL.key])
    for name in dict.fromkeys(score.name for score in scores):
        make.write_run(tmp_path, name)
    make.write_scores(tmp_path, [replace(scores[0], value=None, note="no weights"), *scores[1:]])
    column = our_column(CLINICAL, Results.read(tmp_path))
    assert column.average is None and column.no_average == "no average: 1 of its 10 parts are missing"
    assert column.missing == {("Cli-KG",): "no weights"}
    table = side_by_side(CLINICAL, [column], with_published=True)
    assert table.notes == ("no weights", "no average: 1 of its 10 parts are missing")
    assert table.rows[1][1].text == "–" and table.rows[1][1].marks == (1,)


def test_rows_with_a_star_are_raw_and_make_no_average(tmp_path):
    results = Results.read(make.write_published(tmp_path, "BiMediX2 8B", [GENERATION.key]))
    column = our_column(GENERATION, results)
    assert column.average is None and "unpublished rule" in column.no_average
    table = side_by_side(GENERATION, [column], with_published=True)
    starred = {row[0]: row for row in table.rows if row[0].endswith("*")}
    assert set(starred) == {"BLEU-4*", "RadCliQ*"}
    assert all("raw, not rescaled" in table.notes[row[1].marks[0] - 1] for row in starred.values())
    assert not any("≈" in text for row in starred.values() for text in texts(row))


def test_cells_have_interval_and_count_and_near_numbers_are_marked(tmp_path):
    results = Results.read(make.write_published(tmp_path, "BiMediX2 8B", [MBENCH.key]))
    table = side_by_side(MBENCH, [our_column(MBENCH, results)], with_published=True)
    head, overall = table.rows[0], table.rows[-1]
    assert head[:3] == ["", "bimedix2-8b", "BiMediX2 8B"]
    assert overall[0] == "Overall"
    assert (overall[1].text, overall[1].small) == ("62.2", "[57.2, 67.2]\nn=100")
    # Of the published numbers only our own 62.2 lies from 57.2 to 67.2.
    assert [text for text in texts(overall)[2:] if "≈" in text] == ["62.2\N{NO-BREAK SPACE}≈"]


def test_interval_of_an_average_of_different_items_follows_from_its_parts(tmp_path):
    column = our_column(CLINICAL, Results.read(make.write_published(tmp_path, "BiMediX2 8B", [CLINICAL.key])))
    low, high = column.average_interval
    assert (high - low) / 2 == pytest.approx(0.05 / 10**0.5)
    make.write_published(tmp_path / "vqa", "BiMediX2 8B", [VQA.key])
    assert our_column(VQA, Results.read(tmp_path / "vqa")).average_interval is None


def test_figures_only_with_numbers_enough(tmp_path):
    results = Results.read(make.write_published(tmp_path, "BiMediX2 8B", [MBENCH.key, UPHILL.key]))
    column = [our_column(MBENCH, results)]
    drawn = radar(MBENCH, column, with_published=True)
    assert "<svg" in drawn.svg and drawn.svg == radar(MBENCH, column, with_published=True).svg
    assert drawn.alt.endswith("every axis from 0 to 100")
    better = replace(column[0], scores={place: replace(s, value=1.04) for place, s in column[0].scores.items()})
    assert radar(MBENCH, [better], with_published=False).alt.endswith("every axis from 0 to 110")
    assert bars(UPHILL, [our_column(UPHILL, results)], with_published=True) is None
    assert radar(VQA, [our_column(VQA, results)], with_published=True) is None


def test_two_folders_of_one_model_name_are_two_columns(tmp_path):
    folders = [make.write_published(tmp_path / name, "BiMediX2 8B", [MBENCH.key]) for name in ("a", "b")]
    columns = our_columns(MBENCH, [Results.read(folder) for folder in folders])
    assert [column.title for column in columns] == [f"bimedix2-8b ({folder})" for folder in folders]
    assert our_columns(MBENCH, [Results.read(folders[0])])[0].title == "bimedix2-8b"


def test_report_beside_published_numbers(tmp_path):
    make.write_published(tmp_path, "BiMediX2 8B", [MBENCH.key, UPHILL.key])
    scores = [*make.published_scores("BiMediX2 8B", [MBENCH.key, UPHILL.key])]
    scores.append(make.fraction("uphill", "factual_accuracy", 0.4, {"level": "Writing Demand"}))
    make.write_run(tmp_path, "medarabiq")
    make.write_scores(tmp_path, [*scores, make.fraction("medarabiq", "accuracy", 0.25)])
    paths = write_report(tmp_path, [], tmp_path / "report.md", against="published")
    assert [path.name for path in paths] == ["report.md", "report.html", "report.json"]
    page = paths[0].read_text(encoding="utf-8")
    assert "two checkpoints" in page and "factual\\_accuracy, level Writing Demand" in page
    assert "- mmlu\\_anatomy: MMLU, one clinical subject (Table 2): python -m eval run --task mmlu\\_anatomy" in page
    assert page.index("## Beyond the paper") < page.index("### medarabiq")
    machine = json.loads(paths[2].read_text(encoding="utf-8"))
    overall = machine["paper"]["tables"][1]["rows"][-1]
    assert overall["published"]["BiMediX2 8B"] == 62.2 and overall["ours"][0]["value"] == pytest.approx(0.622)
    assert machine["paper"]["tables"][0]["rows"][0]["ours"][0]["why_none"].startswith("not run")


def test_without_against_no_published_number_is_shown(tmp_path):
    make.write_published(tmp_path, "BiMediX2 8B", [UPHILL.key])
    page = write_report(tmp_path, [], tmp_path / "report.md")[0].read_text(encoding="utf-8")
    assert "56.1" in page and "60.6" not in page and "--against published" in page


def test_against_another_folder(tmp_path, monkeypatch):
    right = {"a": 5, "b": 15}
    for name, count in right.items():
        make.write_run(tmp_path / name, "vqa_rad", model=f"outputs/{name}")
        make.write_scores(tmp_path / name, [make.fraction("vqa_rad", "multimedeval.recall", count / 20)])

    def values(results, run):
        return {"multimedeval.recall": Metric({f"i{n}": float(n < right[results.name]) for n in range(20)})}

    monkeypatch.setattr("eval.report.comparison.item_metrics", values)
    page = write_report(tmp_path / "a", [], tmp_path / "a" / "report.md", str(tmp_path / "b"))[0].read_text()
    assert "|  | a | b |" in page and "| Rad-VQA recall | 0.250 " in page
    assert "## Item by item" in page and "b is higher" in page


def test_against_a_folder_with_other_questions_says_so(tmp_path):
    for name in ("slake", "vqa_rad"):
        make.write_run(tmp_path / name, name)
        make.write_scores(tmp_path / name, [make.fraction(name, "multimedeval.recall", 0.5)])
    page = write_report(tmp_path / "slake", [], tmp_path / "report.md", str(tmp_path / "vqa_rad"))[0].read_text()
    assert "nothing can be compared" in page


def test_against_what_is_not_there(tmp_path):
    make.write_published(tmp_path, "BiMediX2 8B", [UPHILL.key])
    with pytest.raises(
        EvalError, match=r"--against publised: no such folder\. Give `published` or another results folder"
    ):
        write_report(tmp_path, [], tmp_path / "report.md", against="publised")


def test_rows_without_items_say_so(tmp_path):
    make.write_run(tmp_path, "bimed_mbench_en")
    make.write_scores(tmp_path, [make.fraction("bimed_mbench_en", RELATIVE, 0.5)])
    column = our_column(MBENCH, Results.read(tmp_path))
    assert column.scores[("Overall",)].value == 0.5 and column.missing[("CXR",)] == "no item of this subgroup was asked"
    make.write_scores(tmp_path, [])
    assert "not scored: python -m eval score" in our_column(MBENCH, Results.read(tmp_path)).missing[("CXR",)]


@pytest.mark.parametrize(
    ("model", "title"), [("outputs/bimedix2_8b/merged", "bimedix2_8b"), ("me/model", "model"), ("merged", "merged")]
)
def test_a_merged_checkpoint_goes_by_the_name_of_its_run(tmp_path, model, title):
    make.write_run(tmp_path, "vqa_rad", model=model)
    make.write_scores(tmp_path, [])
    assert Results.read(tmp_path).title == title
