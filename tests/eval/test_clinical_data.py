"""The clinical benchmarks' files: their layouts, which questions count, and the prompts that lm-eval makes of them."""

import json

import pytest

from eval.benchmarks.multiple_choice import likeliest
from eval.errors import EvalError
from eval.likelihood.language_model import make_task, task_folder
from eval.registry import ARABIC_CLINICAL, BENCHMARKS, SUITES, load
from tests.helpers import clinical_builders as make
from tests.helpers.layouts import medmcqa, medqa, mmlu, pubmedqa

STEM = "Which nerve supplies the diaphragm?"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of all clinical benchmarks; read it only."""
    root = tmp_path_factory.mktemp("benchmarks")
    make.make_mmlu(root)
    make.make_medmcqa(root)
    make.make_medqa(root)
    pubmedqa.make(root / "pubmedqa")
    make.make_usmle(root)
    make.make_mmmlu(root)
    make.make_global_mmlu(root)
    return root


def first_prompt(name, root, shots=0):
    """Return the prompt and the continuations of a benchmark's first question, as lm-eval makes them."""
    task = make_task(load(name, root), shots)
    task.build_all_requests(limit=1)
    prompts = {request.args[0] for request in task.instances}
    assert len(prompts) == 1
    return prompts.pop(), [request.args[1] for request in task.instances]


LETTERED = f"{STEM}\nA. Phrenic\nB. Vagus \nC. Ulnar\nD. Median\nAnswer:"
# The wording of lm-eval 0.4.11 for these rows, put down by hand.
PROMPTS = {
    "mmlu_anatomy": "The following are multiple choice questions (with answers) about anatomy.\n\ntest 0: " + LETTERED,
    "medmcqa": f"Question: {STEM} \nChoices:\n" + LETTERED.split("\n", 1)[1],
    "medqa": "Question: A case?\n" + LETTERED.split("\n", 1)[1],
    "pubmedqa": "Abstract: Programmed cell death is regulated. \nThe roles were investigated in vitro: p < 0.001.\n"
    "Question: Do mitochondria play a role in 9488747?\nAnswer:",
    "usmle": f"Question: {STEM}\nA. Phrenic\nB. Vagus \nC. Ulnar\nD. Median\nE. Sural\nAnswer:",
    "mmmlu_ar_anatomy": "The following are multiple choice questions (with answers) about anatomy (Arabic).\n\n"
    f"{make.ARABIC}\nA. الفخذ\nB. العضد\nC. الزند\nD. الساق\nAnswer:",
    "global_mmlu_ar_anatomy": "أين القلب؟\nA. الكبد\nB. القلب\nC. الكلية\nD. الرئة\nAnswer:",
}


@pytest.mark.parametrize("name", PROMPTS)
def test_prompt_of_the_harness(name, root):
    prompt, options = first_prompt(name, root)
    assert prompt == PROMPTS[name]
    letters = "ABCDE" if name == "usmle" else "ABCD"
    assert options == ([" yes", " no", " maybe"] if name == "pubmedqa" else [f" {letter}" for letter in letters])


@pytest.mark.parametrize("name", PROMPTS)
def test_gold_is_the_harness_s(name, root):
    benchmark = load(name, root)
    task, items = make_task(benchmark, 0), benchmark.items()
    assert benchmark.problems() == []
    assert len(task.eval_docs) == len(items)
    for document, item in zip(task.eval_docs, items, strict=True):
        target, choices = task.doc_to_target(document), task.doc_to_choice(document)
        assert item.facts["options"] == choices
        assert item.gold == (choices[target] if isinstance(target, int) else target)


def test_every_clinical_name_has_a_task_in_the_installed_harness(root):
    from lm_eval.tasks import TaskManager

    tasks = [load(name, root).task for name in (*SUITES["clinical"], *ARABIC_CLINICAL)]
    folders = {str(task_folder(task)) for task in tasks}
    found = TaskManager(include_defaults=False, include_path=sorted(folders)).all_tasks
    assert {task.name for task in tasks} <= set(found)
    assert len(SUITES["clinical"]) == 10
    assert set(ARABIC_CLINICAL) < set(SUITES["arabic"])
    assert set(ARABIC_CLINICAL) <= set(BENCHMARKS)


@pytest.mark.parametrize(
    ("name", "folder", "here", "there"),
    [
        ("medmcqa", "medmcqa", medmcqa.make, medmcqa.make_original),
        ("mmlu_anatomy", "mmlu", mmlu.make_hub, None),
        ("medqa", "MedQA", medqa.make_hub, lambda root: medqa.make_hub(root, parquet=False)),
        ("pubmedqa", "pubmedqa", pubmedqa.make, None),
    ],
)
def test_hub_and_original_ask_the_same(name, folder, here, there, tmp_path):
    here(tmp_path / "a" / folder)
    items = load(name, tmp_path / "a").items()
    assert len(items) == 1
    if there:
        there(tmp_path / "b" / folder)
        [other] = load(name, tmp_path / "b").items()
        assert (other.question, other.gold, other.facts) == (items[0].question, items[0].gold, items[0].facts)


def test_the_hub_s_pubmedqa_asks_with_its_abstract(tmp_path, root):
    pubmedqa.make_hub(tmp_path / "pubmedqa")
    [listed] = (root / "pubmedqa").rglob("test_ground_truth.json")
    (tmp_path / "pubmedqa/test_ground_truth.json").write_bytes(listed.read_bytes())
    assert first_prompt("pubmedqa", tmp_path)[0] == PROMPTS["pubmedqa"]
    [item] = load("pubmedqa", tmp_path).items()
    assert item.question == "Do mitochondria play a role in 9488747?"
    assert "Programmed cell death" in item.messages[0]["content"][0]["text"]


def test_usmle_leaves_out_what_needs_a_picture(root):
    items = load("usmle", root).items()
    assert [item.id for item in items] == ["usmle-step1-2", "usmle-step2-7", "usmle-step3-7"]
    assert [item.gold for item in items] == ["E", "B", "B"]


def test_arabic_subject_in_a_file_s_name(root):
    items = load("mmmlu_ar_anatomy", root).items()
    assert [item.gold for item in items] == ["A", "B"]
    assert {item.language for item in items} == {"ar"}


def test_missing_files_are_said_with_the_way_to_them(tmp_path, root):
    for name in PROMPTS:
        [problem] = load(name, tmp_path).problems()
        assert "no such folder" in problem
        assert "huggingface.co/datasets/" in problem
    (tmp_path / "usmle").mkdir()
    [problem] = load("usmle", tmp_path).problems()
    assert "step3_solutions.json" in problem


def test_a_row_without_a_right_answer_is_left_out_and_told(tmp_path, capsys):
    make.make_usmle(tmp_path)
    (tmp_path / "usmle/step2_solutions.json").write_text(json.dumps({"7": "Z"}))
    assert [item.id for item in load("usmle", tmp_path).items()] == ["usmle-step1-2", "usmle-step3-7"]
    assert "usmle-step2-7" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[", "{}", '[{"no": 2, "options": {"A": "x"}}]'])
def test_files_of_another_kind(content, tmp_path):
    make.make_usmle(tmp_path)
    for step in make.STEPS:
        (tmp_path / f"usmle/{step}.json").write_text(content)
    with pytest.raises(EvalError, match="usmle"):
        load("usmle", tmp_path).items()


def test_examples_come_from_their_split(root):
    prompt, _ = first_prompt("mmlu_anatomy", root, shots=2)
    assert prompt.count("Answer: ") == 2
    assert prompt.index("dev 0: ") < prompt.index("dev 1: ") < prompt.index("test 0: ")
    prompt, _ = first_prompt("global_mmlu_ar_anatomy", root, shots=1)
    assert prompt.startswith("أي عضو يضخ الدم؟")


@pytest.mark.parametrize(
    ("name", "shots", "said"),
    [("usmle", 1, "--shots 0"), ("medqa", 1, "has none of"), ("mmlu_anatomy", 6, "only 5 examples")],
)
def test_examples_that_are_not_there(name, shots, said, root):
    with pytest.raises(EvalError, match=said):
        make_task(load(name, root), shots)


def test_likeliest_option():
    facts = {"options": ["yes", "no", "maybe"], "lengths": [3, 2, 5], "loglikelihoods": [-4.0, -3.0, -6.0]}
    assert likeliest(facts) == 1
    assert likeliest(facts, normalised=True) == 2
    assert likeliest({**facts, "loglikelihoods": [-2.0, -2.0, -2.0]}) == 0
