"""Runs by likelihood: the language model's own numbers, lm-eval's own accuracy, prompts, resuming, the header."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from lm_eval.evaluator import simple_evaluate
from lm_eval.tasks import TaskManager

from eval.cli import main
from eval.errors import EvalError
from eval.likelihood import run as likelihood
from eval.likelihood.language_model import language_model, make_task, task_folder
from eval.likelihood.run import Prompting, run_likelihood
from eval.model import Checkpoint, Settings
from eval.predictions import read_predictions
from eval.registry import load
from eval.scores import score_predictions
from tests.helpers import clinical_builders as make


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of two clinical benchmarks; read it only."""
    root = tmp_path_factory.mktemp("benchmarks")
    make.make_mmlu(root)
    make.make_medmcqa(root, questions=7)
    make.make_usmle(root)
    return root


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """One language model inside a LLaVA and alone, loaded."""
    folders = make.write_twins(tmp_path_factory.mktemp("twins"))
    return [Checkpoint(folder, Settings(batch_size=3)) for folder in folders]


def predict(checkpoint, benchmark, path, limit=None, prompting=likelihood.PLAIN):
    """Run a benchmark and return its predictions file as read."""
    run_likelihood(checkpoint, benchmark, path, limit, prompting)
    return read_predictions(path)


def by_hand(model, tokenizer, prompt, option):
    """Return the log-likelihood of ` option` after a prompt, alone and without padding."""
    whole = tokenizer(prompt + " " + option, return_tensors="pt")["input_ids"]
    start = len(tokenizer(prompt)["input_ids"])
    with torch.inference_mode():
        logits_LV = model(whole).logits[0].float().log_softmax(-1)
    return sum(logits_LV[place - 1, whole[0, place]].item() for place in range(start, whole.shape[1]))


def test_loglikelihoods_are_those_of_the_plain_language_model(twins, root, tmp_path):
    plain = twins[1].engine
    for name in ("medmcqa", "usmle"):
        inside, alone = (
            predict(twin, load(name, root), tmp_path / f"{number}.jsonl") for number, twin in enumerate(twins)
        )
        for line, other in zip(inside.lines, alone.lines, strict=True):
            hand = [by_hand(plain.model, plain.tokenizer, line.prompt, option) for option in line.facts["options"]]
            assert line.facts["loglikelihoods"] == pytest.approx(hand, abs=1e-5)
            assert other.facts == line.facts | {"loglikelihoods": pytest.approx(hand, abs=1e-5)}
        for path in tmp_path.iterdir():
            path.unlink()


@pytest.mark.parametrize(("name", "shots"), [("medmcqa", 0), ("medmcqa", 2), ("mmlu_anatomy", 0), ("usmle", 0)])
def test_accuracy_is_lm_eval_s_own(name, shots, twins, root, tmp_path):
    benchmark = load(name, root)
    found = predict(twins[0], benchmark, tmp_path / "x.jsonl", prompting=Prompting(shots))
    task, model = make_task(benchmark, shots), language_model(Checkpoint(twins[0].folder, Settings(batch_size=1)))
    manager = TaskManager(include_defaults=False, include_path=str(task_folder(benchmark.task)))
    theirs = simple_evaluate(model, tasks=[task], num_fewshot=shots, bootstrap_iters=0, task_manager=manager)
    results, samples = next(iter(theirs["results"].values())), next(iter(theirs["samples"].values()))
    scores = {score.metric: score.value for score in score_predictions(benchmark, found, [])}
    assert scores["accuracy"] == results["acc,none"]
    assert scores.get("accuracy_norm") == results.get("acc_norm,none")
    prompts = {sample["arguments"][0][0]: sample["acc"] for sample in samples}
    values = benchmark.metrics(found)["accuracy"].values
    assert {line.prompt: values[line.item] for line in found.lines} == prompts
    assert len(prompts) == len(benchmark.items())


def test_chat_template_of_either_checkpoint(twins, root, tmp_path):
    prompts = []
    for number, twin in enumerate(twins):
        with_template = Prompting(1, chat_template=True)
        found = predict(twin, load("mmlu_anatomy", root), tmp_path / f"{number}.jsonl", 2, with_template)
        prompts.append([line.prompt for line in found.lines])
        assert found.header["likelihood"]["chat_template"] is True
    assert prompts[0] == prompts[1]
    assert prompts[0][0].startswith("<|im_start|>system\nThe following are multiple choice questions")
    assert prompts[0][0].count("<|im_start|>assistant\n") == 2
    assert prompts[0][0].endswith("Answer:<|im_end|>\n<|im_start|>assistant\n")


PARTS_ONLY = "{% for turn in messages %}{% for part in turn.content %}[{{ part.text }}]{% endfor %}{% endfor %}"


def test_llava_s_model_for_the_harness(twins, monkeypatch):
    model = language_model(twins[0])
    assert model.max_length == 512
    assert model.model is twins[0].engine.model
    monkeypatch.setattr(model.tokenizer, "chat_template", PARTS_ONLY)
    assert model.apply_chat_template([{"role": "user", "content": "Answer:"}]) == "[Answer:]"


def test_base_without_a_chat_template(twins, root, tmp_path):
    folder = tmp_path / "base"
    shutil.copytree(twins[1].folder, folder)
    (folder / "chat_template.jinja").unlink()
    bare, benchmark = Checkpoint(folder, Settings(batch_size=3)), load("usmle", root)
    found = predict(bare, benchmark, tmp_path / "bare.jsonl")
    same = predict(twins[1], benchmark, tmp_path / "same.jsonl")
    assert [line.facts for line in found.lines] == [line.facts for line in same.lines]
    with pytest.raises(EvalError, match="without --chat-template"):
        predict(bare, benchmark, tmp_path / "x.jsonl", prompting=Prompting(0, chat_template=True))


def test_header_says_what_decides_the_numbers(twins, root, tmp_path):
    from importlib.metadata import version

    header = predict(twins[0], load("medmcqa", root), tmp_path / "x.jsonl", 2, Prompting(2)).header
    made = "unverified: lm-eval makes them"
    assert header["engine"] == {"name": "lm-eval", "version": version("lm-eval"), "prompt_tokens": made}
    assert header["likelihood"] | {"examples_sha256": ""} == {
        "task": "medmcqa",
        "shots": 2,
        "chat_template": False,
        "examples_sha256": "",
    }
    assert len(header["likelihood"]["examples_sha256"]) == 64
    assert header["benchmark"]["sha256"] == load("medmcqa", root).sha256()
    assert header["benchmark"]["limit"] == 2
    assert header["generation"]["decoding"] == "likelihood"


def test_interrupted_run_goes_on(twins, root, tmp_path, monkeypatch):
    monkeypatch.setattr(likelihood, "CHUNK", 3)
    path, benchmark = tmp_path / "x.jsonl", load("medmcqa", root)
    whole = predict(twins[0], benchmark, path)
    lengths = [len(line.prompt) for line in whole.lines]
    assert len(lengths) == 7
    assert lengths == sorted(lengths, reverse=True)
    content = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(content[:6]) + content[6][:20])  # header, a chunk, two of the next, half a line
    asked, answer = [], likelihood._answer
    monkeypatch.setattr(likelihood, "_answer", lambda *args: asked.append(len(args[1])) or answer(*args))
    again = predict(twins[0], benchmark, path)
    assert asked == [3, 1]
    assert len(path.read_bytes().splitlines()) == 8
    assert [replace(line, seconds=0) for line in again.lines] == [replace(line, seconds=0) for line in whole.lines]
    assert path.read_bytes().startswith(b"".join(content[:6]))


def test_finished_file_needs_no_model(twins, root, tmp_path, monkeypatch):
    path, benchmark = tmp_path / "x.jsonl", load("usmle", root)
    predict(twins[0], benchmark, path)
    fresh = Checkpoint(twins[0].folder, Settings(batch_size=3))
    predict(fresh, benchmark, path)
    assert "engine" not in vars(fresh)
    with pytest.raises(EvalError, match="another run"):
        predict(fresh, benchmark, path, 1)


def test_likelihood_that_is_no_number_is_unscored(twins, root, tmp_path, monkeypatch):
    benchmark = load("usmle", root)
    # The second of three questions, counted in the order in which they are asked.
    monkeypatch.setattr(likelihood, "language_model", lambda *args, **options: Broken(language_model(*args, **options)))
    found = predict(twins[0], benchmark, tmp_path / "x.jsonl")
    assert sum(bool(line.error) for line in found.lines) == 1
    [accuracy, _] = score_predictions(benchmark, found, [])
    assert (accuracy.n, accuracy.unscored) == (2, 1)
    json.loads((tmp_path / "x.jsonl").read_text().splitlines()[1], parse_constant=pytest.fail)


class Broken:
    """A model that answers one request with no number."""

    def __init__(self, model):
        self.model, self.max_length, self.tok_encode = model, model.max_length, model.tok_encode

    def loglikelihood(self, requests, disable_tqdm):
        """The model's answers, the first one spoilt."""
        return [(float("nan"), False), *self.model.loglikelihood(requests, disable_tqdm=disable_tqdm)[1:]]


def test_cut_prompts_are_counted(twins, root, tmp_path, monkeypatch):
    def short(*args, **options):
        model = language_model(*args, **options)
        model._max_length = 64
        return model

    monkeypatch.setattr(likelihood, "language_model", short)
    benchmark = load("usmle", root)
    found = predict(twins[0], benchmark, tmp_path / "x.jsonl")
    cut = sum(line.facts["cut"] for line in found.lines)
    assert cut > 0
    assert f"{cut} prompts were too long" in score_predictions(benchmark, found, [])[0].note


def test_command_line(twins, root, tmp_path, capsys):
    folder = twins[0].folder
    arguments = ["run", "--model", str(folder), "--root", str(root), "--out", str(tmp_path), "--limit", "2"]
    assert main([*arguments, "--task", "mmlu_anatomy", "medqa", "usmle", "--shots", "1"]) == 0
    told = capsys.readouterr().err
    assert "skipped: medqa: " in told
    assert "skipped: usmle: it has no split for few-shot examples" in told
    found = read_predictions(tmp_path / "predictions/mmlu_anatomy.jsonl")
    assert [line.prompt.count("Answer: ") for line in found.lines] == [1, 1]
    assert main(["score", str(tmp_path)]) == 0
    [score] = json.loads((tmp_path / "scores.json").read_text())
    assert (score["name"], score["metric"], score["n"], score["note"]) == ("mmlu_anatomy", "accuracy", 2, "1-shot")
