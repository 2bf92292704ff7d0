"""BiMed-MBench: its items, and scores computed by hand."""

import json
import shutil
from dataclasses import replace

import pytest

from eval.errors import EvalError
from eval.judge.verdicts import VerdictsFile, path_of, read_verdicts
from eval.predictions import read_predictions
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import judge_builders as make
from tests.helpers.layouts import bimed_mbench as layout
from tests.helpers.layouts.jpeg import jpeg

EN, AR = "bimed_mbench_en", "bimed_mbench_ar"


@pytest.fixture
def root(tmp_path):
    return make.bimed_root(tmp_path)


def scored(root, name, replies, **more):
    """The scores of a benchmark whose items' judge replies are these, in order; None: not judged."""
    results = root / "results"
    path = make.answer_all(results, root, name, **more)
    predictions = read_predictions(path)
    file = VerdictsFile(path_of(results, name), make.JUDGE)
    for number, (line, reply) in enumerate(zip(predictions.lines, replies, strict=True)):
        for repeat, text in enumerate(reply if isinstance(reply, list) else [reply]):
            if text is not None:
                file.append(make.verdict(f"{number}-{repeat}", line, text, repeat))
    return predictions, load(name, root / "nowhere")


def table(predictions, benchmark, root):
    found = score_predictions(benchmark, predictions, read_verdicts(root / "results", benchmark.name))
    return {(score.metric, *score.subgroup.values()): score for score in found}


def test_items_show_the_figure_and_carry_what_the_judge_is_told(root):
    benchmark = load(AR, root)
    items = benchmark.items()
    assert benchmark.problems() == [] and [item.id for item in items] == [f"bimed_mbench-ar-{n}" for n in range(4)]
    text = {"type": "text", "text": "ما هو العضو الموضح في الصورة؟"}
    assert items[0].messages == ({"role": "user", "content": [{"type": "image"}, text]},)
    assert (items[1].facts["type"], items[1].facts["file_type"]) == ("detailed_description", "وصف تفصيلي")
    assert items[0].facts["mentions"][0]["tokens"] == "لم يتم العثور على خلايا." and items[1].facts["mentions"] == ""
    assert [item.modality for item in items] == ["histology", "ct"] * 2
    assert benchmark.image(items[1].images[0]) == jpeg(1) and benchmark.MAX_NEW_TOKENS == 1024
    with pytest.raises(EvalError, match=r"bimed_mbench_ar: gone.jpg"):
        benchmark.image("gone.jpg")
    assert items[0].facts["domain"] == "histology"


def test_files_that_are_not_there_are_a_problem(tmp_path):
    (problem,) = load(EN, tmp_path).problems()
    assert str(tmp_path / "BiMed-MBench") in problem and "clone https://github.com/mbzuai-oryx/BiMediX2" in problem


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda row: row | {"question_id": 0}, "line 2: question_id 0 is there twice. Take one out."),
        (lambda row: {key: row[key] for key in row if key != "question_id"}, "line 2: 'question_id' is None"),
        (lambda row: row | {"type": "شرح"}, "line 2: 'type' is 'شرح'"),
    ],
)
def test_ids_that_are_missing_or_there_twice_are_named(root, change, what):
    path = root / "BiMed-MBench/data/test_sets" / layout.ENGLISH
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], json.dumps(change(json.loads(lines[1]))), *lines[2:]]), encoding="utf-8")
    with pytest.raises(EvalError) as told:
        load(EN, root).items()
    assert what in str(told.value) and str(path) in str(told.value)


def test_english_scores_by_hand(root):
    predictions, benchmark = scored(root, EN, ["8 6\nwhy", "10 5", "8 10", "5 5"])
    found = table(predictions, benchmark, root)
    # 6/8, 5/10, 10/8, 5/5; rows 0 and 2 are conversations and histology, rows 1 and 3 descriptions and CT.
    assert found["judge.relative",].value == pytest.approx((0.75 + 0.5 + 1.25 + 1) / 4)
    assert found["judge.relative", "conversation"].value == found["judge.relative", "histology"].value == 1.0
    assert found["judge.relative", "detailed_description"].value == found["judge.relative", "ct_scan"].value == 0.75
    assert found["judge.relative",].note == "judge j; instructions: published"
    for (metric, *subgroup), score in found.items():
        assert score.value == found["judge.relative", *subgroup].value
        assert (score.unscored, score.unit) == (0, "fraction")
        assert metric in ("judge.relative", "judge.relative_official")
    assert len(found) == 10 and found["judge.relative",].n == 4 and found["judge.relative",].interval is not None


def test_translated_types_count_in_ours_and_are_missing_from_the_official_columns(root):
    predictions, benchmark = scored(root, AR, ["10 1", "10 2", "10 3", "10 4"])
    found = table(predictions, benchmark, root)
    assert found["judge.relative",].value == found["judge.relative_official",].value == pytest.approx(0.25)
    assert found["judge.relative", "conversation"].value == pytest.approx(0.2)  # rows 0 and 2
    assert found["judge.relative", "detailed_description"].value == pytest.approx(0.3)  # rows 1 and 3
    # In the file row 0 is a "محادثة" and rows 1 and 3 are a "وصف": the summary finds row 2 alone.
    assert found["judge.relative_official", "conversation"].value == pytest.approx(0.3)
    assert found["judge.relative_official", "conversation"].n == 1
    assert ("judge.relative_official", "detailed_description") not in found
    assert (
        found["judge.relative_official", "ct_scan"].value
        == found["judge.relative", "ct_scan"].value
        == pytest.approx(0.3)
    )


def test_what_has_no_value_is_in_no_mean_and_counted(root):
    predictions, benchmark = scored(root, EN, ["10 0", "nan 7", "no grades", "10 4"])
    found = table(predictions, benchmark, root)
    ours, official = found["judge.relative",], found["judge.relative_official",]
    assert (ours.value, ours.n, ours.unscored) == (0.4, 1, 3)
    assert ours.note.startswith("2 with a malformed verdict; 1 with a verdict off the scale of 1 to 10; judge j")
    assert (official.value, official.n, official.unscored) == (0.2, 2, 2)
    assert official.note.startswith("1 that the official summary turns into nan or infinity; 1 with a verdict at which")


def test_answers_without_a_verdict_are_told_apart(root):
    def output(item):
        return {"output": "", "error": "no picture"} if item.id.endswith("1") else "good"

    predictions, benchmark = scored(root, EN, ["10 5", None, None, "10 7"], output=output)
    score = table(predictions, benchmark, root)["judge.relative",]
    assert score.value == pytest.approx(0.6) and score.unscored == 2
    assert score.note.startswith("1 not judged; 1 without an answer; ")
    (bare, *_) = score_predictions(benchmark, predictions, [])
    assert (bare.value, bare.n, bare.unscored, bare.note) == (None, 0, 4, "3 not judged; 1 without an answer")


def test_verdicts_are_joined_by_item_and_by_answer(root):
    predictions, benchmark = scored(root, EN, ["10 1", "10 2", "10 3", "10 4"])
    file = VerdictsFile(path_of(root / "results", EN), make.JUDGE)
    file.append(make.verdict("later", predictions.lines[0], "10 9"))
    file.append(make.verdict("of another answer", replace(predictions.lines[1], output="before"), "10 10"))
    predictions.lines.reverse()
    values = benchmark.metrics(predictions, read_verdicts(root / "results", EN))["judge.relative"].values
    assert values == {f"bimed_mbench-en-{n}": value for n, value in enumerate([0.9, 0.2, 0.3, 0.4])}


def test_swapped_order_and_repeats_are_scores_of_their_own(root):
    predictions, benchmark = scored(root, EN, [["10 5", "10 7"], ["10 5", "nothing"], ["10 5"], ["none", "none"]])
    file = VerdictsFile(path_of(root / "results", EN), make.JUDGE)
    for number, (line, reply) in enumerate(zip(predictions.lines, ["5 10", "6 8", "0 8", "2 4"], strict=True)):
        file.append(make.verdict(f"swapped {number}", line, reply, kind="swapped"))
    found = table(predictions, benchmark, root)
    assert found["judge.relative",].value == 0.5 and found["judge.relative",].n == 3
    repeated, swapped = found["judge.relative_repeated",], found["judge.relative_swapped",]
    assert repeated.value == pytest.approx((0.6 + 0.5 + 0.5) / 3) and repeated.unscored == 1
    assert swapped.value == pytest.approx((0.5 + 0.75 + 0.5) / 3) and swapped.note.startswith("1 with a verdict off")


def test_the_published_instructions_are_read_and_never_run(root):
    benchmark = load(AR, root)
    script = root / "BiMed-MBench/eval/eval_multimodal_chat_gpt_score_ara.py"
    script.write_text(make.SCRIPT + "\nraise SystemExit(1)\n")
    assert (benchmark.instructions().system, benchmark.instructions().text) == (make.SYSTEM, make.INSTRUCTIONS)
    assert benchmark.instructions().note == f"instructions: published, {script.name}"
    script.write_text("INSTRUCT_PROMPT = 1 +")
    with pytest.raises(EvalError, match=rf"{script}: no INSTRUCT_PROMPT and one system message in it"):
        benchmark.instructions()


@pytest.mark.parametrize(("name", "says"), [(EN, "1 (worst) to 10"), (AR, "Modern Standard Arabic")])
def test_own_instructions_stand_in_and_say_so(root, name, says):
    shutil.rmtree(root / "BiMed-MBench/eval")
    instructions = load(name, root).instructions()
    assert says in " ".join(instructions.text.split()) and "not comparable with published numbers" in instructions.note
