"""Copies of a model in processes of their own: each has its own GPUs, and answers come in order."""

import pytest

from eval.engines.engine import Request
from eval.engines.placement import Placement
from eval.engines.prompt import Prompts
from eval.engines.vllm_copies import VllmCopies
from eval.errors import EvalError
from tests.helpers import core_builders as hand
from tests.helpers import eval_builders as make

pytestmark = pytest.mark.slow

VLLM = """
import os
from types import SimpleNamespace as Of

class LLM:
    def __init__(self, model, **settings):
        if os.environ.get("FAILS") == "yes":
            raise ValueError("no room")
        self.llm_engine = Of(model_config=Of(max_model_len=100 + int(os.environ["CUDA_VISIBLE_DEVICES"][0])))

    def generate(self, prompts, sampling, use_tqdm):
        # The answer is the GPUs, as digits; the log-probability of a token is its id.
        digits = [ord(digit) for digit in os.environ["CUDA_VISIBLE_DEVICES"] if digit != ","]
        return [
            Of(prompt_token_ids=ids, outputs=[Of(token_ids=digits, finish_reason="length")],
               prompt_logprobs=[None, *({id: Of(logprob=-float(id), rank=1)} for id in ids[1:])])
            for ids in (prompt["prompt_token_ids"] for prompt in prompts)
        ]

def SamplingParams(**options):
    return options
"""


@pytest.fixture
def vllm(tmp_path, monkeypatch):
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").write_text(VLLM)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,6,7")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make.write_text_model(tmp_path_factory.mktemp("text_model"))


def test_a_batch_is_dealt_out_and_comes_back_in_order(vllm, model):
    prompts = Prompts(model)
    copies = VllmCopies(model, "float32", "cuda", prompts, Placement(tensor_parallel=2, data_parallel=2))
    assert copies.max_length == 102
    asked = [Request(item, copies.prompt(item)) for item in (hand.item(f"i{n}", f"Is it {n}?") for n in range(5))]
    answers = copies.answer(asked, 7)
    gpus = [prompts.text([ord(digit) for digit in pair]) for pair in ("23", "67")]
    assert gpus[0] != gpus[1] and [answer.text for answer in answers] == [gpus[0]] * 3 + [gpus[1]] * 2
    found = copies.log_probabilities([[1, 20], [1, 30], [1, 40]])
    assert [tokens[0][0] for tokens in found] == [-20, -30, -40] and copies.answer([], 7) == []


def test_a_copy_that_cannot_be_loaded_is_one_error(vllm, model, monkeypatch):
    monkeypatch.setenv("FAILS", "yes")
    with pytest.raises(EvalError, match=r"vLLM cannot load this checkpoint\. no room"):
        VllmCopies(model, "float32", "cuda", Prompts(model), Placement(data_parallel=2))
