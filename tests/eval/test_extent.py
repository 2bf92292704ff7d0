"""A part of a split says "40 of 451" in every cell and stands beside no published number; images not shown are told."""

import json
import re
from dataclasses import replace

import pytest

from eval.benchmarks.data_split import DataSplit, Selection
from eval.cli import main
from eval.extent import Extent, size_of, wrong_size
from eval.items import Predictions
from eval.predict import questions_of, run
from eval.predictions import read_predictions
from eval.registry import BENCHMARKS, load
from eval.report.beside_paper import our_column, side_by_side
from eval.report.comparison import comparison
from eval.report.figures import bars, radar
from eval.report.paper import TABLES, published
from eval.report.results import Results
from eval.report.tables import score_lines, value_text
from eval.scores import score
from tests.helpers import core_builders as hand
from tests.helpers import report_builders as make

VQA = TABLES[3]
MBENCH = TABLES[1]
GRADES = "8 6"


def size(items=451, versions=0, with_images=451, published=451):
    return {"items": items, "versions": versions, "with_images": with_images, "published": published}


def predictions(own, versions=0, errors=0, images="shown", **sizes):
    """A run of that many answers, of which `errors` are none, and so many of versions in Arabic."""
    lines = [make.answer(f"o{number}", "yes") for number in range(own)]
    arabic = [make.answer(f"v{number}", "yes", language="ar") for number in range(versions)]
    lines += [replace(line, facts={"version_of": line.item.replace("v", "o")}) for line in arabic]
    lines[:errors] = [replace(line, error="no image") for line in lines[:errors]]
    header = make.benchmark_header("vqa_rad", images=images)
    header["benchmark"] |= {"size": size(**sizes)}
    return Predictions("vqa_rad", header, lines)


@pytest.mark.parametrize(
    ("run", "own"),
    [
        (predictions(451), ""),
        (predictions(40), "40 of 451"),
        (predictions(451, errors=2), "449 of 451"),
        (predictions(300, items=300), "300 of 451"),
        (predictions(460, items=460), "460 in place of 451"),
        (predictions(60, items=60, published=None), ""),
        (predictions(40, items=60, published=None), "40 of 60"),
    ],
)
def test_what_is_not_the_whole_split(run, own):
    assert Extent.of(run).asked({}) == own


def test_versions_in_another_language_are_counted_apart():
    run = predictions(451, 10)
    run.header["benchmark"]["size"]["versions"] = 451
    extent = Extent.of(run)
    assert extent.asked({}) == "" and extent.asked({"language": "ar"}) == "461 of 902"


def test_images_not_shown_only_where_there_are_some():
    assert Extent.of(predictions(451, images="not shown")).images == "images not shown"
    assert Extent.of(predictions(451, images="not shown", with_images=0)).images == ""


def test_a_file_of_an_earlier_version_says_nothing():
    run = predictions(3)
    del run.header["benchmark"]["size"]
    assert Extent.of(run) == Extent()


def test_the_number_of_items_is_checked(capsys):
    items = [hand.item(str(number), "Is it?", images=["red"] * (number % 2)) for number in range(4)]
    assert size_of(items, 5) == size(4, 0, 2, 5)
    assert "its files have 4 items, the published split has 5" in wrong_size("slake", size_of(items, 5))
    assert wrong_size("slake", size_of(items, 4)) == wrong_size("slake", size_of(items, None)) == ""


def test_sizes_are_those_that_the_list_of_benchmarks_tells(tmp_path):
    """The size is an integer; the text that is printed names it."""
    for name in BENCHMARKS:
        benchmark = load(name, tmp_path)
        told = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", benchmark.ABOUT.split)]
        if benchmark.ABOUT.size is not None and name not in ("uphill", "medarabiq", "safety"):
            assert benchmark.ABOUT.size in told, name
        assert benchmark.size is not None or not re.search(r"\(\d[\d,]* ", benchmark.ABOUT.split), name
    assert sum(load(name, tmp_path).size for name in BENCHMARKS if name.startswith("mmlu_")) == 1089
    assert load("global_mmlu_ar_anatomy", tmp_path).size == load("mmlu_anatomy", tmp_path).size == 135
    assert load("usmle", tmp_path).size == 324
    assert load("safety", tmp_path).size == len(load("safety", tmp_path).items()) == 60


@pytest.fixture
def limited(tmp_path):
    """A results folder of two answers of VQA-RAD, scored."""
    run = predictions(2)
    header = {name: value for name, value in run.header.items() if name != "format"}
    make.write_run(tmp_path, "vqa_rad", run.lines, **header)
    score(tmp_path)
    return tmp_path


def test_every_cell_says_so_and_no_published_number_is_beside_it(limited):
    results = Results.read(limited)
    assert all("2 of 451" in row[2] for row in score_lines(results)[1:] if row[2] != "-")
    column = our_column(VQA, results)
    assert column.scores and column.average is None
    table = side_by_side(VQA, [column], with_published=True)
    scored = [place for place in (row.place for row in VQA.rows) if place in column.scores]
    for row, cells in zip(VQA.rows, table.rows[1:], strict=False):
        others = [cell.text for cell in cells[2:]]
        assert (set(others) == {"–"}) == (row.benchmark == "vqa_rad")
        if row.place in scored:
            assert "2 of 451" in cells[1].small
    assert bars(VQA, [column], with_published=True) is radar(VQA, [column], with_published=True) is None


def test_the_report_and_its_json(limited, tmp_path):
    assert main(["report", str(limited), "--against", "published", "--out", str(tmp_path / "r.md")]) == 0
    content = json.loads((tmp_path / "r.json").read_text())
    rows = [row for table in content["paper"]["tables"] for row in table["rows"] if row["benchmark"] == "vqa_rad"]
    ours = [row for row in rows if row["ours"][0]["value"] is not None]
    assert ours and all(set(row["published"].values()) == {None} and row["ours"][0]["asked"] for row in ours)
    assert (tmp_path / "r.md").read_text().count("2 of 451") > len(ours)


def test_a_metric_without_an_item_in_the_part_is_not_beside_published_numbers_either(tmp_path):
    run = predictions(2)
    make.write_run(tmp_path, "vqa_rad", run.lines, benchmark=run.header["benchmark"])
    score(tmp_path)
    column = our_column(VQA, Results.read(tmp_path))
    places = [row.place for row in VQA.rows if row.benchmark == "vqa_rad"]
    assert {column.missing[place] for place in places if place in column.missing} == {
        "no item that this metric scores was asked"
    }
    rows = side_by_side(VQA, [column], with_published=True).rows[1 : 1 + len(places)]
    assert {cell.text for row in rows for cell in row[2:]} == {"–"}


def test_a_whole_run_stands_beside_the_published_numbers(tmp_path):
    model = next(iter(published(VQA)))
    results = Results.read(make.write_published(tmp_path, model, [VQA.key]))
    table = side_by_side(VQA, [our_column(VQA, results)], with_published=True)
    assert any(cell.text not in ("", "–") for row in table.rows[1:] for cell in row[2:])


@pytest.mark.parametrize(
    ("replies", "asked"), [((GRADES, GRADES), ""), ((GRADES, None), "1 of 2"), ((None,) * 2, "0 of 2")]
)
def test_answers_that_no_judge_has_seen_are_not_asked(tmp_path, replies, asked):
    """A part of the verdicts is a part of the split: a judge that stopped halfway stands beside no published number."""
    about = {"name": "bimed_mbench_en", "size": size(2, 0, 2, 2)}
    make.write_judged(tmp_path, "bimed_mbench_en", {"a": replies[0], "b": replies[1]}, header={"benchmark": about})
    assert {each.asked for each in score(tmp_path)} == {asked}
    table = side_by_side(MBENCH, [our_column(MBENCH, Results.read(tmp_path))], with_published=True)
    assert ({row[2].text for row in table.rows[1:]} == {"–"}) == bool(asked)


def test_tables_and_figures_name_a_model_that_was_shown_no_images(tmp_path):
    model = next(iter(published(VQA)))
    folder = make.write_published(tmp_path, model, [VQA.key])
    shown = our_column(VQA, Results.read(folder)).title
    scores = [{**each, "images": "images not shown"} for each in json.loads((folder / "scores.json").read_text())]
    (folder / "scores.json").write_text(json.dumps(scores))
    column = our_column(VQA, Results.read(folder))
    assert column.title == f"{shown} (images not shown)"
    assert side_by_side(VQA, [column], with_published=True).rows[0][1] == column.title


def test_a_limited_run_of_a_dataset(data, tmp_path):
    model = hand.Echo()
    run(model, questions_of(DataSplit(data, Selection("train")), 3), tmp_path / "predictions" / "train.jsonl")
    found = read_predictions(tmp_path / "predictions" / "train.jsonl")
    assert found.header["data"]["size"] == size(9, 0, 7, None)
    (exact,) = [each for each in score(tmp_path) if each.metric == "exact" and not each.subgroup]
    assert exact.asked == "3 of 9" and "; 3 of 9" in value_text(exact)


def test_compare_says_which_run_is_a_part(tmp_path, capsys):
    for name, answered, images in (("a", 2, "shown"), ("b", 3, "not shown")):
        run = predictions(answered, images=images)
        make.write_run(tmp_path / name, "vqa_rad", run.lines, images=images, benchmark=run.header["benchmark"])
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert "vqa_rad (a: 2 of 451; b: 3 of 451, images not shown)" in capsys.readouterr().out


def test_compare_says_which_run_lacks_versions(tmp_path):
    """All of the split's own items, and not all of their Arabic versions: only the Arabic lines are of a part."""
    about = make.benchmark_header("vqa_rad")["benchmark"] | {"size": size(12, 12, 24, 12)}
    for name, versions in (("a", 12), ("b", 11)):
        lines = make.bilingual_vqa(9, 9, versions=versions)
        make.write_run(tmp_path / name, "vqa_rad", lines, benchmark=about)
    found = comparison(tmp_path / "a", tmp_path / "b")
    assert {line.caution for line in found.lines} == {""}
    arabic = [line.caution for line in found.subgroups if line.subgroup.get("language") == "ar"]
    assert arabic and set(arabic) == {"b: 23 of 24"}
