"""Two results folders side by side: the right differences, and no number where the questions are not the same."""

import json
from dataclasses import replace

import pytest

from eval import scores
from eval.benchmark import Benchmark, Metric, groups_in
from eval.errors import EvalError
from eval.predictions import read_all
from eval.registry import BENCHMARKS, load
from eval.report.comparison import compare, comparison
from eval.report.paper import TABLES
from tests.helpers import eval_builders as make

CLINICAL = [row.benchmark for row in TABLES[0].rows]


class Graded:
    """A benchmark of which only the item values are asked."""

    JUDGED = True

    def metrics(self, predictions, verdicts):
        lines = {line.item: len(line.output) / 10 for line in predictions.lines}
        return {"judge.relative": Metric({v["item"]: v["score"] for v in verdicts}), "length": Metric(lines)}


def answers(right, count=20, **more):
    return [make.prediction(f"i{n:02}#0", "head", "head" if n < right else "foot", **more) for n in range(count)]


def write(folder, name, lines, **header):
    """Write a predictions file whose header has these keys beside the builder's."""
    path = make.write_predictions(folder, name, lines)
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    merged = {**json.loads(first)["header"], **header}
    if "benchmark" in merged:
        del merged["data"]
    record = {"header": merged}
    path.write_text(json.dumps(record) + "\n" + rest, encoding="utf-8")


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "a", tmp_path / "b"


def lines_of(a, b):
    return {(line.benchmark, line.metric): line for line in comparison(a, b).lines}


def test_differences_by_hand(folders):
    a, b = folders
    make.write_predictions(a, "train", answers(5))
    make.write_predictions(b, "train", answers(15)[::-1])
    line = lines_of(a, b)["train", "exact"]
    assert (line.result.a, line.result.b, line.result.n, line.left_out) == (0.25, 0.75, 20, 0)
    assert line.result.p == pytest.approx(2 / 2**10)
    text = compare(a, b)
    assert "+0.500 [" in text and "b is higher" in text and "McNemar" in text


def test_changes_that_cancel_out_are_counted(folders):
    """10 of 20 are right in both, but not the same ones."""
    a, b = folders
    make.write_predictions(a, "train", answers(10))
    turned = [replace(line, output="foot" if line.output == "head" else "head") for line in answers(10)]
    make.write_predictions(b, "train", turned)
    result = lines_of(a, b)["train", "exact"].result
    assert (result.difference, result.higher, result.lower) == (0, 10, 10)
    assert "| 10, 10 " in compare(a, b)


def test_the_same_answers_are_counted_by_language(folders):
    """An item that one run alone answered is not counted; one that both got wrong in other words is not the same."""
    a, b = folders
    arabic = [replace(line, item=f"ar{line.item}", language="ar") for line in answers(2, 4)]
    make.write_predictions(a, "train", [*answers(5), *arabic])
    other = replace(arabic[3], output="hand")
    failed = replace(arabic[0], error="no image")
    english = [replace(line, output=f" {line.output}\n") for line in answers(5)]
    make.write_predictions(b, "train", [*english, failed, *arabic[1:3], other])
    found = [(one.language, one.answered, one.same) for one in comparison(a, b).same]
    assert found == [("ar", 3, 2), ("en", 20, 20)]
    assert "| train     | ar       | 3               | 2 (67%)       |" in compare(a, b)


def test_a_difference_inside_its_interval_is_said_to_be_one(folders, tmp_path):
    a, b = folders
    make.write_predictions(a, "train", answers(9))
    make.write_predictions(b, "train", answers(10))
    text = compare(a, b, tmp_path / "deep" / "compare.md")
    assert "no difference shown" in text and "b is" not in text
    assert (tmp_path / "deep" / "compare.md").read_text(encoding="utf-8") == text + "\n"


def test_items_of_one_run_are_left_out_and_counted(folders):
    a, b = folders
    make.write_predictions(a, "train", answers(20))
    unscored = [replace(line, error="no image") for line in answers(20)[:3]]
    make.write_predictions(b, "train", [*unscored, *answers(20)[3:15]])
    line = lines_of(a, b)["train", "exact"]
    assert (line.result.n, line.left_out) == (12, 8)


def test_other_questions_are_not_compared(folders):
    a, b = folders
    make.write_predictions(a, "train", answers(5))
    make.write_predictions(b, "train", answers(5))
    write(a, "slake", answers(5), benchmark={"name": "slake", "split": "test", "sha256": "11"})
    write(b, "slake", answers(5), benchmark={"name": "slake", "split": "test", "sha256": "22"})
    found = comparison(a, b)
    assert {line.benchmark for line in found.lines} == {"train"}
    assert any("slake: not compared: the questions are not the same" in warning for warning in found.warnings)


def test_nothing_in_common(folders):
    a, b = folders
    make.write_predictions(a, "train", answers(5))
    make.write_predictions(b, "heldout", answers(5), split="heldout")
    with pytest.raises(EvalError, match=r"nothing can be compared.*\n.*heldout: only in") as error:
        compare(a, b)
    assert "train: only in" in str(error.value)


def test_other_settings_are_said(folders):
    a, b = folders
    write(a, "train", answers(5), generation={"decoding": "greedy", "dtype": "float32"}, engine={"name": "vllm"})
    write(b, "train", answers(5), generation={"decoding": "greedy", "dtype": "bfloat16"}, engine={"name": "openai"})
    text = compare(a, b)
    assert "train: generation differs (a: decoding greedy, dtype float32; b: decoding greedy, dtype bfloat16)" in text
    assert "train: engine differs (a: name vllm; b: name openai)" in text


def test_graded_values_of_a_benchmark_and_its_judge(folders, monkeypatch):
    monkeypatch.setattr(scores, "of_header", lambda header, root: Graded())
    verdicts = {"a": [0.5] * 4, "b": [0.5, 0.5, 0.9, 1.1]}
    monkeypatch.setattr(
        scores,
        "read_verdicts",
        lambda results, name: [{"item": f"i{n:02}#0", "score": s} for n, s in enumerate(verdicts[results.name])],
    )
    monkeypatch.setattr(
        "eval.report.comparison.read_verdicts", lambda results, name: [{"judge": {"model": results.name}}]
    )
    about = {"name": "bimed_mbench_en", "split": "all", "sha256": "0"}
    for folder in folders:
        write(folder, "bimed_mbench_en", answers(5, count=6), benchmark=about)
    found = comparison(*folders)
    relative = found.lines[0]
    assert (relative.metric, relative.result.n, relative.result.test) == ("judge.relative", 4, "permutation")
    assert relative.result.difference == pytest.approx(0.25)
    assert "bimed_mbench_en: judge differs (a: model a; b: model b)" in found.warnings


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_values_of_items(name, tmp_path):
    benchmark = load(name, tmp_path)
    assert callable(benchmark.SCORER) or type(benchmark).metrics is not Benchmark.metrics


def versioned(right, count=8):
    """The answers of `answers` with modalities, two to an image, and an Arabic version of each of the first four."""
    facts = {"closed": False, "typed": True}
    own = [
        replace(line, facts=facts, modality=("ct", "mri")[n % 2], image_hashes=[f"image {n // 2}"])
        for n, line in enumerate(answers(right, count))
    ]
    arabic = [
        replace(line, item=f"{line.item}-ar", language="ar", facts={**facts, "version_of": line.item})
        for line in own[:4]
    ]
    return [*own, *arabic]


def test_subgroups_and_arabic_versions_are_compared_and_corrected_apart(folders):
    for folder, right in zip(folders, (3, 7), strict=True):
        write(folder, "slake", versioned(right), benchmark={"name": "slake", "split": "test", "sha256": "1"})
    found = comparison(*folders)
    overall = {line.metric: line for line in found.lines}
    recall = overall["multimedeval.recall"].result
    assert (recall.n, recall.clusters, recall.test, recall.difference) == (8, 4, "cluster permutation", 0.5)
    parts = {tuple(line.subgroup.items()): line for line in found.subgroups if line.metric == "multimedeval.recall"}
    assert set(parts) == {(("modality", "ct"),), (("modality", "mri"),), (("language", "ar"),)}
    arabic = parts[("language", "ar"),].result
    assert (arabic.n, arabic.clusters, arabic.a, arabic.b) == (4, 2, 0.75, 1.0)
    for family in (found.lines, found.subgroups):
        least = min(family, key=lambda line: line.result.p).result
        assert least.adjusted == pytest.approx(min(1, len(family) * least.p))
    text = found.text()
    assert f"{len(found.lines)} over all items" in text and f"{len(found.subgroups)} over subgroups" in text
    assert "multimedeval.recall, language ar" in text and " 8 in 4 " in text


def test_items_that_only_the_second_run_has_are_counted_too(folders):
    a, b = folders
    make.write_predictions(a, "train", answers(3, count=15))
    make.write_predictions(b, "train", answers(3, count=20))
    assert lines_of(a, b)["train", "exact"].left_out == 5


def test_values_of_items_are_what_a_score_is_the_mean_of(folders):
    write(folders[0], "slake", versioned(3), benchmark={"name": "slake", "split": "test", "sha256": "1"})
    (run,) = read_all(folders[0])
    metrics = scores.item_metrics(folders[0], run)
    found = scores.score_predictions(load("slake", folders[0]), run, [])
    assert {score.metric for score in found} == set(metrics)
    for score in found:
        (group,) = [each for each in groups_in(metrics[score.metric]) if each.subgroup == score.subgroup]
        values = scores.values_in(metrics[score.metric], group)
        assert sum(values.values()) / len(values) == pytest.approx(score.value)


def test_average_over_the_clinical_columns(folders, monkeypatch):
    right = {"a": 8, "b": 14}
    for folder in folders:
        for name in CLINICAL:
            write(folder, name, answers(1, count=1), benchmark={"name": name, "split": "test", "sha256": "1"})
    monkeypatch.setattr(
        "eval.report.comparison.item_metrics",
        lambda results, run: {"accuracy": Metric({f"i{n}": float(n < right[results.name]) for n in range(20)})},
    )
    line = comparison(*folders).lines[-1]
    assert (line.benchmark, line.metric, line.result.n) == ("Table 2: clinical language", "average", 200)
    assert line.result.difference == pytest.approx(0.3) and line.result.shown
