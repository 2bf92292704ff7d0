"""Arabic beside English: pairs where Arabic items are versions of English ones, else a difference of two means."""

import json

import pytest
from scipy import stats

from eval.registry import BENCHMARKS
from eval.report.languages import gaps, twins
from eval.report.results import Results
from eval.scores import score
from tests.helpers import eval_builders
from tests.helpers import report_builders as make

SAFE, UNSAFE = '{"verdict": "safe"}', '{"verdict": "unsafe"}'


def found(folder):
    """The gaps of a results folder, by name and metric."""
    score(folder)
    return {(gap.name, gap.metric): gap for gap in gaps(Results.read(folder))}


def test_versions_are_paired_and_clustered_by_image(tmp_path):
    make.write_run(tmp_path, "slake", make.bilingual_vqa(9, 6))
    gap = found(tmp_path)["slake", "corrected.closed_accuracy"]
    assert (gap.result.a, gap.result.b, gap.result.difference) == (0.75, 0.5, -0.25)
    assert (gap.result.n, gap.result.clusters, gap.arabic) == (12, 4, 0)


def test_only_items_with_a_version_are_in_the_gap(tmp_path):
    make.write_run(tmp_path, "slake", make.bilingual_vqa(9, 6, versions=6))
    gap = found(tmp_path)["slake", "corrected.closed_accuracy"]
    assert (gap.result.a, gap.result.b, gap.result.n) == (1.0, 1.0, 6)


def test_the_two_files_of_bimed_mbench_are_paired_by_question(tmp_path):
    for language, grade in (("en", 8), ("ar", 6)):
        replies = {f"bimed_mbench-{language}-{n}": f"10 {grade}" for n in range(5)}
        facts = {"type": "conversation", "file_type": "conversation", "domain": "mri"}
        make.write_judged(tmp_path, f"bimed_mbench_{language}", replies, language=language, facts=facts)
    gap = found(tmp_path)["bimed_mbench_en, bimed_mbench_ar", "judge.relative"]
    assert (gap.result.n, gap.arabic) == (5, 0)
    assert gap.result.difference == pytest.approx(-0.2)


def test_other_questions_in_arabic_are_no_pairs(tmp_path):
    replies = {f"en-{n}": SAFE if n < 28 else UNSAFE for n in range(30)}
    replies |= {f"ar-{n}": SAFE if n < 24 else UNSAFE for n in range(30)}
    make.write_judged(tmp_path, "safety", replies, facts={"category": "harmless", "must": ["a"], "must_not": ["b"]})
    path = tmp_path / "predictions" / "safety.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines[1:]:
        line["language"] = line["item"][:2]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    gap = found(tmp_path)["safety", "judge.safe"]
    assert (gap.result.n, gap.arabic) == (30, 30)
    low, high = gap.result.interval
    english, arabic = (stats.binomtest(right, 30).proportion_ci(method="wilson") for right in (28, 24))
    below = ((24 / 30 - arabic.low) ** 2 + (english.high - 28 / 30) ** 2) ** 0.5
    assert gap.result.difference - low == pytest.approx(below, abs=1e-4) and low < 0 < high
    assert not gap.result.shown


def test_translated_rows_of_a_dataset_are_pairs_of_closed_and_short_answers(tmp_path):
    english = [eval_builders.prediction(f"r{n}#0", "yes", "yes", facts={"row": f"r{n}"}) for n in range(6)]
    arabic = [
        eval_builders.prediction(f"a{n}#0", "نعم", "لا", "ar", facts={"row": f"a{n}", "parent": f"r{n}"})
        for n in range(6)
    ]
    talk = eval_builders.prediction("t#0", "yes", "no", task="conversation", facts={"row": "t"})
    eval_builders.write_predictions(tmp_path, "train", [*english, *arabic, talk])
    gap = found(tmp_path)["trained, hand/train", "exact"]
    assert (gap.result.a, gap.result.b, gap.result.n, gap.arabic) == (1.0, 0.0, 6, 0)


def test_a_part_of_a_split_says_so(tmp_path):
    about = {"name": "slake", "split": "test", "sha256": "1", "licence": "", "limit": 24}
    size = {"items": 1061, "versions": 12, "with_images": 1073, "published": 1061}
    make.write_run(tmp_path, "slake", make.bilingual_vqa(9, 6), benchmark={**about, "size": size})
    assert found(tmp_path)["slake", "corrected.closed_accuracy"].asked == "24 of 1073"


def test_one_language_has_no_gap(tmp_path):
    make.write_run(tmp_path, "slake", make.bilingual_vqa(9, 6, versions=0))
    assert not found(tmp_path)


def test_the_gaps_of_one_report_are_one_family(tmp_path):
    make.write_run(tmp_path, "slake", make.bilingual_vqa(12, 0))
    make.write_run(tmp_path, "vqa_rad", make.bilingual_vqa(12, 12))
    results = found(tmp_path).values()
    least = min(results, key=lambda gap: gap.result.p).result
    assert len(results) == 2 and least.adjusted == pytest.approx(2 * least.p)


def test_twins_are_known_benchmarks_and_every_arabic_mmlu_has_its_english_one():
    found = {name: twins(name) for name in BENCHMARKS if twins(name)}
    arabic = {name for name in BENCHMARKS if "mmlu_ar_" in name or name == "bimed_mbench_ar"}
    assert {other for others in found.values() for other in others} == arabic
    assert found["mmlu_anatomy"] == ["mmmlu_ar_anatomy", "global_mmlu_ar_anatomy"]
