"""Scores from predictions alone: means, standard errors, subgroups, and nothing unscored in any mean."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest

from eval.benchmark import Group, Metric, subgroups
from eval.predictions import read_predictions
from eval.registry import of_header
from eval.scores import aggregate, score, score_predictions
from tests.helpers import eval_builders as make

LINES = [
    make.prediction("a#0", "yes", "Yes.", task="vqa_closed"),
    make.prediction("b#0", "no", "yes", task="vqa_closed"),
    make.prediction("c#0", "chest", "the chest"),
    make.prediction("d#0", "chest", "", error="unreadable"),
    make.prediction("e#0", "نعم", "نَعم", "ar", "vqa_closed"),
    make.prediction("f#0", "أشعة", "اشعه", "ar"),
    make.prediction("g#0", "left upper lobe", "upper lobe left", task="vqa_open"),
    make.prediction("h#0", "the", "the", task="text_qa"),
]


@pytest.fixture
def find(tmp_path):
    predictions = read_predictions(make.write_predictions(tmp_path, "train", LINES))
    scores = score_predictions(of_header(predictions.header, tmp_path), predictions)

    def lookup(metric, **subgroup):
        (found,) = [score for score in scores if (score.metric, score.subgroup) == (metric, subgroup)]
        return found

    return lookup


def test_exact_overall(find):
    # Right: a, e, f, h. Wrong: b, c ("the chest"), g. d has no answer: 4 of 7.
    found = find("exact")
    assert (found.n, found.unscored) == (7, 1)
    assert found.value == pytest.approx(4 / 7)
    # Sample variance of four ones and three zeros: (4 * (3/7)^2 + 3 * (4/7)^2) / 6 = 12/42; over n = 7.
    assert found.stderr == pytest.approx(math.sqrt(12 / 42 / 7))


def test_exact_of_closed_and_short_by_language(find):
    # English: a right, b and c wrong, d unscored. Arabic: e and f right.
    english = find("exact", language="en", task="closed+short")
    assert (english.value, english.n, english.unscored) == (pytest.approx(1 / 3), 3, 1)
    arabic = find("exact", language="ar", task="closed+short")
    assert (arabic.value, arabic.n, arabic.stderr, arabic.unscored) == (1.0, 2, 0.0, 0)


def test_multimedeval_decides_by_itself_what_is_closed(find):
    # a right and b wrong; the Arabic yes is no closed question there.
    closed = find("multimedeval.closedQuestionsAccuracy")
    assert (closed.value, closed.n, closed.unscored) == (0.5, 2, 0)
    # Open: c (recall 1), e ("نَعم" is another word: 0), f (0), g (1), h (no word in its reference: 0). d has no answer.
    opened = find("multimedeval.openQuestionsRecall")
    assert (opened.value, opened.n, opened.unscored) == (0.4, 5, 1)
    assert find("multimedeval.openQuestionsAccuracy").value == 0.4
    # Over all, the same with a (1) and b (0): 3 of 7.
    assert find("multimedeval.recall").value == pytest.approx(3 / 7)


def test_by_kind_and_by_language(find):
    assert find("exact", task="short").n == 2
    assert find("exact", task="open").value == 0.0
    assert find("multimedeval.bleu", task="open").value == 1.0
    assert find("exact", task="text").value == 1.0
    assert find("exact", language="ar").n == 2
    one = find("multimedeval.F1", task="open")
    assert (one.n, one.stderr) == (1, None)


def test_a_reference_without_words_is_scored_as_a_benchmark_scores_it(find):
    found = find("multimedeval.recall", task="text")
    assert (found.value, found.n, found.stderr, found.unscored) == (0.0, 1, None, 0)


def test_nothing_scored_is_none_and_not_zero(tmp_path):
    lines = [make.prediction("a#0", "chest", "", error="unreadable")]
    run = read_predictions(make.write_predictions(tmp_path, "failed", lines))
    for found in score_predictions(of_header(run.header, tmp_path), run):
        assert (found.value, found.n, found.stderr, found.interval, found.unscored) == (None, 0, None, None, 1)


def test_every_mean_over_items_has_its_interval(find):
    overall = find("exact")
    assert overall.interval[0] < overall.value < overall.interval[1]
    assert find("multimedeval.F1", language="en").interval is not None


def line(item, language="en", **facts):
    return make.prediction(item, "", "", language, facts=facts)


def test_subgroups_only_where_there_are_several():
    lines = [line("a", type="x"), line("b", "ar", type="x"), line("c", "ar", type="x")]
    assert subgroups(lines, "language", "type") == [
        Group({}, {"a", "b", "c"}),
        Group({"language": "ar"}, {"b", "c"}),
        Group({"language": "en"}, {"a"}),
    ]


def test_every_group_is_counted_on_its_own():
    lines = [line("a"), line("b", "ar"), line("c", "ar")]
    values = {"accuracy": {"a": 1.0, "b": 0.0, "c": None}, "open": {"a": 0.5}}
    groups = subgroups(lines, "language")
    scores = aggregate("run", {name: Metric(items, groups) for name, items in values.items()})
    found = {(s.metric, s.subgroup.get("language", "")): (s.value, s.n, s.unscored) for s in scores}
    assert found == {
        ("accuracy", ""): (0.5, 2, 1),
        ("open", ""): (0.5, 1, 0),
        ("accuracy", "ar"): (0.0, 1, 1),
        ("accuracy", "en"): (1.0, 1, 0),
        ("open", "en"): (0.5, 1, 0),
    }


def test_questions_on_one_image_are_one_cluster(tmp_path):
    shown = [[], ["x"], ["x"], ["x"], ["y"], ["y"], ["y"]]
    right = [1, 1, 1, 1, 0, 0, 0]
    lines = [
        make.prediction(f"i{number}#0", "chest", "chest" if is_right else "head", image_hashes=images)
        for number, (images, is_right) in enumerate(zip(shown, right, strict=True))
    ]
    run = read_predictions(make.write_predictions(tmp_path, "train", lines))
    clustered, *_ = score_predictions(of_header(run.header, tmp_path), run)
    blind = replace(run, lines=[replace(line, image_hashes=[]) for line in lines])
    alone, *_ = score_predictions(of_header(run.header, tmp_path), blind)
    assert (clustered.n, clustered.clusters, alone.clusters) == (7, 3, 7)
    assert clustered.value == alone.value and clustered.stderr > 1.5 * alone.stderr
    assert clustered.interval[0] < alone.interval[0] and alone.interval[1] < clustered.interval[1]


def test_scores_file_has_every_predictions_file(tmp_path):
    make.write_predictions(tmp_path, "train", LINES)
    make.write_predictions(tmp_path, "base", LINES[:1], images="not shown")
    score(tmp_path)
    written = json.loads((tmp_path / "scores.json").read_text())
    assert {line["name"] for line in written} == {"train", "base"}
    names = {"name", "metric", "value", "n", "stderr", "unscored", "subgroup", "interval", "unit", "note", "clusters"}
    names |= {"asked", "images"}
    assert all(set(line) == names for line in written)


def test_scoring_needs_no_model(tmp_path):
    make.write_predictions(tmp_path, "train", LINES)
    program = (
        "import sys; sys.modules.update(torch=None, transformers=None); "
        "from eval.cli import main; sys.exit(main(['score', sys.argv[1]]))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True)
    assert (tmp_path / "scores.json").is_file()
