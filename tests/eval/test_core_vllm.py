"""The vLLM engine's own part, without vLLM (tests/vllm has the real one): what it asks for, what it refuses."""

import importlib.machinery
import sys
import types
from types import SimpleNamespace

import core_builders as hand
import eval_builders as make
import pytest

from eval.cli import main
from eval.engines.base import Asked
from eval.engines.prompt import Prompts
from eval.engines.vllm_engine import VllmEngine
from eval.errors import EvalError
from eval.pictures import read_picture

PLACEHOLDER, IMAGE_TOKENS = 3, 4


@pytest.fixture
def requests(monkeypatch):
    """Put a vllm in place that expands placeholders as the real one does, and remember what it was asked."""
    module = types.ModuleType("vllm")
    module.__spec__ = importlib.machinery.ModuleSpec("vllm", None, origin="by hand")
    seen = SimpleNamespace(options=None, prompts=[], sampling=None, expansion=IMAGE_TOKENS)

    class LLM:
        def __init__(self, **options):
            seen.options = options

        def generate(self, prompts, sampling, use_tqdm):
            seen.prompts, seen.sampling = prompts, sampling
            return [self._output(prompt["prompt_token_ids"]) for prompt in prompts]

        def _output(self, ids):
            expanded = [id for id in ids for _ in range(seen.expansion if id == PLACEHOLDER else 1)]
            answer = SimpleNamespace(text=" Yes ", token_ids=[9, 2], finish_reason="stop")
            return SimpleNamespace(prompt_token_ids=expanded, outputs=[answer])

    module.LLM, module.SamplingParams = LLM, lambda **options: options
    monkeypatch.setitem(sys.modules, "vllm", module)
    return seen


def test_prompts_are_tokens_and_pictures(requests, llava):
    engine = VllmEngine(llava, "float32", "cpu")
    picture = read_picture(make.png("red"), "red")
    items = [hand.item("a", "Is it?", images=["red"]), hand.item("b", "Why?")]
    asked = [Asked(items[0], engine.prompt(items[0]), (picture,)), Asked(items[1], engine.prompt(items[1]))]
    answers = engine.answer(asked, 7)
    assert [(answer.text, answer.finish_reason, answer.tokens) for answer in answers] == [("Yes", "stop", 1)] * 2
    ids = [Prompts(llava).token_ids(each.prompt) for each in asked]
    assert [prompt["prompt_token_ids"] for prompt in requests.prompts] == ids and ids[0].count(PLACEHOLDER) == 1
    assert requests.prompts[0]["multi_modal_data"] == {"image": [picture.image]}
    assert "multi_modal_data" not in requests.prompts[1]
    assert requests.sampling == {"temperature": 0.0, "max_tokens": 7, "stop_token_ids": [2]}


def test_other_prompt_tokens_than_trainings_stop_the_run(requests, llava):
    requests.expansion = IMAGE_TOKENS + 1
    engine = VllmEngine(llava, "float32", "cpu")
    item = hand.item("a", "Is it?", images=["red"])
    with pytest.raises(EvalError, match="'a': vLLM made other prompt tokens than training does"):
        engine.answer([Asked(item, engine.prompt(item), (read_picture(make.png("red"), "red"),))], 7)


def test_the_command_line_asks_vllm(requests, llava, data, tmp_path):
    command = ["run", "--engine", "vllm", "--model", llava, "--data", data, "--split", "train", "--out", tmp_path]
    assert main([*map(str, command), "--limit", "2"]) == 0
    assert len(requests.prompts) == 2 and requests.options["model"] == str(llava)


def test_without_vllm_it_is_told_what_to_do(llava, tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "vllm", raising=False)
    command = ["run", "--engine", "vllm", "--model", str(llava), "--task", "safety", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "vLLM is not installed here" in capsys.readouterr().err
