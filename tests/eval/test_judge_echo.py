"""A judge that returns what it was given has judged nothing: every benchmark counts such replies as malformed."""

import pytest

from eval.judge.instructions import JudgedBenchmark
from eval.judge.verdicts import sha256
from eval.registry import BENCHMARKS, load
from eval.scores import score_predictions
from tests.helpers.layouts import bimed_mbench, medq_bench, uphill
from tests.helpers.prediction_builders import answered

JUDGED = ("uphill", "safety", "bimed_mbench_en", "bimed_mbench_ar", "medq_bench_description", "medq_bench_comparison")
ECHOES = {
    "the question": lambda system, question, rubric: question,
    "instructions and question": lambda system, question, rubric: f"{system}\n\n{question}",
    "the rubric": lambda system, question, rubric: rubric or question.splitlines()[-1],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("judged")
    bimed_mbench.make(root)
    medq_bench.make_data(root)
    uphill.make(root / "uphill")
    return root


def test_these_are_all_the_judged_benchmarks(root):
    assert {name for name in BENCHMARKS if isinstance(load(name, root), JudgedBenchmark)} == {*JUDGED}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("name", JUDGED)
def test_a_judge_that_returns_the_rubric(root, name, echo):
    benchmark = load(name, root)
    run = answered(benchmark.items(), "It looks normal.")
    instructions = benchmark.instructions()
    verdicts = []
    for line in run.lines:
        for kind in benchmark.KINDS:
            question = benchmark.question_of(instructions, line, kind)
            reply = ECHOES[echo](instructions.system, question, benchmark.rubric(line))
            about = {"item": line.item, "kind": kind, "repeat": 0, "answer_sha256": sha256(line.output)}
            verdicts.append({**about, "reply": reply, "judge": {"model": "j", "instructions": instructions.note}})
    scores = [each for each in score_predictions(benchmark, run, verdicts) if not each.subgroup]
    assert scores and all((each.value, each.n) == (None, 0) and each.unscored for each in scores)
    assert "malformed" in scores[0].note
