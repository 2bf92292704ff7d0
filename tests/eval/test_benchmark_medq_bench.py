"""MedQ-Bench: perception questions, and both reasoning tasks with their four marks from a real judge's server."""

import pytest

from eval.benchmarks.medq_bench import MARKS, grade
from eval.errors import EvalError
from eval.judge.grades import MALFORMED
from eval.judge.run import judge
from eval.judge.verdicts import read_verdicts
from eval.registry import load
from eval.scores import score, score_predictions
from tests.helpers import judge_builders as make
from tests.helpers.layouts import medq_bench as layout
from tests.helpers.prediction_builders import answered, texts, value


@pytest.fixture
def root(tmp_path):
    layout.make_data(tmp_path)
    return tmp_path


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv(make.VARIABLE, make.KEY)
    server = make.JudgeServer()
    yield server
    server.stop()


def test_perception_is_asked_as_vlmevalkit_does(root):
    benchmark = load("medq_bench_perception", root)
    assert benchmark.problems() == []
    first, second = benchmark.items()
    # An answer is a letter, or a number from 0.
    assert (first.gold, second.gold, second.facts["image_modality"]) == ("B. No", "C. Severe", "MRI")
    assert texts(first) == [
        None,
        "Please carefully observe this medical image and answer the following question:\n\nIs there noise?\n\n"
        "Options:\nA. Yes\nB. No\n\nAnswer directly only with the option **letter** from the given choices.",
    ]
    assert benchmark.image(first.images[0])[:4] == b"\x89PNG"
    scores = score_predictions(benchmark, answered([first, second], {first.id: "No", second.id: "A"}), [])
    assert value(scores, "accuracy", image_modality="CT").value == 1 and value(scores, "accuracy").value == 0.5


def test_a_description_is_asked_of_one_image(root, capsys):
    benchmark = load("medq_bench_description", root)
    assert benchmark.problems() == []
    first, second = benchmark.items()
    assert (first.id, first.modality, second.gold) == ("medq_bench_description-7", "ct", "Sharp. Overall, good.")
    assert texts(first)[0] is None and "[good/usable/reject]" in texts(first)[1]
    assert "2 of 4 rows are left out (2 bad_row)" in capsys.readouterr().err


def test_a_comparison_is_asked_of_two(root):
    (item,) = load("medq_bench_comparison", root).items()
    assert item.images == ("imgs/ct_1.png", "imgs/mr_1.png") and "which image has higher quality" in texts(item)[2]


def test_every_answer_gets_four_marks(root, server):
    marks = {"complete?": "Score: 2", "precise?": "1", "consistent?": "Score: 0", "accurate?": "unsure"}
    server.says = lambda text: next(reply for word, reply in marks.items() if word in text)
    layout.make_clone(root)
    results = root / "results"
    make.answer_all(results, root, "medq_bench_description", lambda item: "<think>GOLDEN DESC</think>MLLM DESC")
    judge(results, root, ["medq_bench_description"], make.settings(server))
    assert len(server.requests) == 8 and {
        verdict["kind"] for verdict in read_verdicts(results, "medq_bench_description")
    }
    asked = next(text for text in server.texts() if "complete?" in text and "reject" in text)
    assert asked == f"#System: Help.\n#User: complete? [MLLM DESC] of [{layout.DESCRIPTIONS[0]['description']}]"
    assert [message["role"] for message in server.requests[0]["messages"]] == ["user"]
    found = {one.metric: one for one in score(results, root) if not one.subgroup}
    assert [found[f"judge.{mark}"].value for mark in MARKS] == [2, 1, 0, None]
    assert (found["judge.overall"].value, found["judge.overall"].unscored) == (None, 2)
    assert found["judge.completeness"].unit == "score"
    assert found["judge.completeness"].note == "judge judge-1; instructions: published, medqbench_caption.py"


def test_the_sum_of_the_marks_and_the_instructions_of_a_pair(root, server):
    layout.make_clone(root)
    server.says = lambda text: "Score: 1" if "pair" in text else "Score: 2"
    results = root / "results"
    make.answer_all(results, root, "medq_bench_comparison", lambda item: "The second.")
    judge(results, root, [], make.settings(server))
    found = {one.metric: one for one in score(results, root) if not one.subgroup}
    assert [found[f"judge.{mark}"].value for mark in MARKS] == [2, 2, 1, 1] and found["judge.overall"].value == 6


@pytest.mark.parametrize("name", ["medq_bench_description", "medq_bench_comparison"])
def test_without_a_clone_our_own_instructions_are_used_and_named(root, name):
    benchmark = load(name, root)
    (line, *_) = answered(benchmark.items(), "It is {reference} sharp.").lines
    assert "this project's own, so not comparable" in benchmark.instructions().note
    asked = {benchmark.question_of(benchmark.instructions(), line, mark) for mark in MARKS}
    assert len(asked) == 4 and all(f"[It is {{reference}} sharp.]\nReference: [{line.gold}]" in text for text in asked)


def test_a_clone_that_lacks_a_mark(root):
    layout.make_clone(root)
    script = root / "VLMEvalKit/vlmeval/dataset/medqbench_caption.py"
    script.write_text("PROMPT_TEMPLATES = {'completeness': 'x'}")
    with pytest.raises(EvalError, match=r"medqbench_caption\.py: no PROMPT_TEMPLATES for each mark"):
        load("medq_bench_description", root).instructions()
    script.write_text("def (")
    with pytest.raises(EvalError, match=r"medqbench_caption\.py: not Python"):
        load("medq_bench_description", root).instructions()


REPLIES = [
    ("Score: 2", 2),
    ("Score：1.5", 1.5),
    ('{"score": 0}', 0),
    ("1", 1),
    (" 2.0 ", 2),
    ("Score: 3", MALFORMED),
    ("Score: 2.5", MALFORMED),
    ("I would say 2", MALFORMED),
    ("Score: 0/1/2", MALFORMED),
    ("Score: 2, 1, or 0", MALFORMED),
    ("score: 0-2", MALFORMED),
    ("Score: 0, 1 or 2. Score: 1", 1),
    ("Score: 2/2", 2),
    ("Score: 2, 1 fault is missing", 2),
    ("", MALFORMED),
]


@pytest.mark.parametrize(("reply", "outcome"), REPLIES)
def test_marks(reply, outcome):
    assert grade(reply) == outcome


def test_what_is_missing_or_of_another_kind(root, tmp_path):
    (problem,) = load("medq_bench_description", tmp_path / "nowhere").problems()
    assert "there is no such file. Get it: https://huggingface.co/datasets/jiyaoliufd/MedQ-Bench" in problem
    path = root / "MedQ-Bench/medqbench_description_test.tsv"
    layout.write_tsv(path, [{"index": "0", "image": "aGk=", "description": "x"}])
    with pytest.raises(EvalError, match=r"no column image_path \(it holds images in base64\)"):
        load("medq_bench_description", root).items()
    layout.write_tsv(path, [{"index": "0", "image_path": "[broken", "description": "x"}])
    with pytest.raises(EvalError, match="no row can be asked; the first is row 1: 0 images in"):
        load("medq_bench_description", root).items()
