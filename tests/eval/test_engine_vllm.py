"""The vLLM engine's own part, without vLLM (tests/vllm has the real one): what it asks for, what it refuses."""

import importlib.machinery
import os
import subprocess
import sys
import types
from itertools import groupby
from types import SimpleNamespace

import pytest

from eval.cli import main
from eval.engines.engine import Request
from eval.engines.prompt import Prompts
from eval.engines.vllm_engine import VllmEngine
from eval.errors import EvalError
from eval.images import read_image
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make

PLACEHOLDER, IMAGE_TOKENS = 3, 4


@pytest.fixture
def requests(monkeypatch):
    """Put a vllm in place that expands placeholders as the real one does, and remember what it was asked."""
    module = types.ModuleType("vllm")
    module.__spec__ = importlib.machinery.ModuleSpec("vllm", None, origin="by hand")
    seen = SimpleNamespace(options=None, prompts=[], sampling=None, expansion=IMAGE_TOKENS, answer=[9], calls=[])

    class LLM:
        def __init__(self, **options):
            seen.options = options

        def generate(self, prompts, sampling, use_tqdm):
            seen.prompts, seen.sampling = prompts, sampling
            seen.calls.append(prompts)
            return [self._output(prompt["prompt_token_ids"]) for prompt in prompts]

        def _output(self, ids):
            expanded = [id for id in ids for _ in range(seen.expansion if id == PLACEHOLDER else 1)]
            answer = SimpleNamespace(token_ids=[*seen.answer, 2], finish_reason="stop")
            return SimpleNamespace(prompt_token_ids=expanded, outputs=[answer])

    module.LLM, module.SamplingParams = LLM, lambda **options: options
    monkeypatch.setitem(sys.modules, "vllm", module)
    return seen


def test_prompts_are_tokens_and_images(requests, llava):
    engine = VllmEngine(llava, "float32", "cpu")
    image = read_image(make.png("red"), "red")
    items = [hand.item("a", "Is it?", images=["red"]), hand.item("b", "Why?")]
    asked = [Request(items[0], engine.prompt(items[0]), (image,)), Request(items[1], engine.prompt(items[1]))]
    requests.answer = engine.prompts.token_ids(" Is it? ")
    answers = engine.answer(asked, 7)
    expected = ("Is it?", "stop", len(requests.answer))
    assert [(answer.text, answer.finish_reason, answer.tokens) for answer in answers] == [expected] * 2
    ids = [Prompts(llava).token_ids(each.prompt) for each in asked]
    assert [prompt["prompt_token_ids"] for prompt in requests.prompts] == ids and ids[0].count(PLACEHOLDER) == 1
    assert requests.prompts[0]["multi_modal_data"] == {"image": [image.image]}
    assert "multi_modal_data" not in requests.prompts[1]
    assert requests.sampling == {
        "temperature": 0.0,
        "max_tokens": 7,
        "stop_token_ids": [2],
        "detokenize": False,
    }


def test_other_prompt_tokens_than_trainings_stop_the_run(requests, llava):
    requests.expansion = IMAGE_TOKENS + 1
    engine = VllmEngine(llava, "float32", "cpu")
    item = hand.item("a", "Is it?", images=["red"])
    with pytest.raises(EvalError, match="'a': vLLM made other prompt tokens than training does"):
        engine.answer([Request(item, engine.prompt(item), (read_image(make.png("red"), "red"),))], 7)


def test_the_command_line_asks_vllm(requests, llava, data, tmp_path):
    command = ["run", "--engine", "vllm", "--model", llava, "--data", data, "--split", "train", "--out", tmp_path]
    assert main([*map(str, command), "--limit", "2"]) == 0
    assert len(requests.prompts) == 2 and requests.options["model"] == str(llava)


def test_all_questions_are_handed_over_at_once_those_of_an_image_side_by_side(requests, llava, tmp_path):
    colours = make.COLOURS[:3]
    rows = [
        make.row(f"r{number}", "en", "vqa_short", [(f"Is it {'so ' * number}?", "Yes.")], [colours[number % 3]])
        for number in range(72)
    ]
    make.write_data(tmp_path / "data", {"test": rows})
    command = ["run", "--engine", "vllm", "--model", llava, "--data", tmp_path / "data", "--split", "test"]
    assert main([*map(str, command), "--out", str(tmp_path)]) == 0
    (prompts,) = requests.calls
    shown = [id(image) for prompt in prompts for image in prompt["multi_modal_data"]["image"]]
    assert len(shown) == 72 and [len(list(run)) for _, run in groupby(shown)] == [24, 24, 24]


def test_without_vllm_it_is_told_what_to_do(llava, tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "vllm", raising=False)
    command = ["run", "--engine", "vllm", "--model", str(llava), "--task", "safety", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "vLLM is not installed here" in capsys.readouterr().err


def test_on_a_cpu_memory_is_bounded_and_vllm_reports_nothing(requests, llava, monkeypatch):
    monkeypatch.delenv("VLLM_NO_USAGE_STATS", raising=False)
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "INFO")
    VllmEngine(llava, "float32", "cpu")
    assert requests.options["enforce_eager"] and 0 < requests.options["kv_cache_memory_bytes"] <= 4 << 30
    assert os.environ["VLLM_NO_USAGE_STATS"] == "1" and os.environ["VLLM_LOGGING_LEVEL"] == "INFO"
    VllmEngine(llava, "bfloat16", "cuda")
    assert not {"enforce_eager", "kv_cache_memory_bytes"} & set(requests.options)


WITHOUT_AXOLOTL = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"axolotl", "datatrove", "lm_eval"}:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
from eval.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_benchmarks_run_where_axolotl_is_not_installed(llava, tmp_path):
    asked = ["--task", "safety", "vqa_rad", "--root", tmp_path, "--limit", "1", "--max-new-tokens", "1"]
    command = [sys.executable, "-c", WITHOUT_AXOLOTL, "run", "--model", llava, *asked, "--out", tmp_path / "out"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and (tmp_path / "out/predictions/safety.jsonl").is_file(), done.stderr[-2000:]
