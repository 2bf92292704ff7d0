"""Likelihoods through vLLM: those that transformers computes. A stand-in of vllm holds the real model."""

import importlib.machinery
import sys
import types
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForImageTextToText

from eval.likelihood.run import Prompting, run_likelihood
from eval.model import Checkpoint, Settings
from eval.predictions import read_predictions
from eval.registry import load
from eval.suite import find
from tests.helpers import clinical_builders as make


class LLM:
    """Scores the tokens of prompts as vLLM does, one prompt at a time."""

    def __init__(self, model, max_model_len, **settings):
        self.model = AutoModelForImageTextToText.from_pretrained(model)
        longest = self.model.config.get_text_config().max_position_embeddings
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=longest))

    def generate(self, prompts, sampling, use_tqdm):
        assert sampling["max_tokens"] == 1 and sampling["prompt_logprobs"] == 0
        return [SimpleNamespace(prompt_logprobs=self._scored(each["prompt_token_ids"])) for each in prompts]

    def _scored(self, ids):
        with torch.inference_mode():
            logits_LV = self.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        scored = [None]
        for place, token in enumerate(ids[1:]):
            value = logits_LV[place, token]
            rank = int((logits_LV[place] > value).sum()) + 1
            scored.append({token: SimpleNamespace(logprob=value.item(), rank=rank)})
        return scored


@pytest.fixture
def vllm(monkeypatch):
    module = types.ModuleType("vllm")
    module.__spec__ = importlib.machinery.ModuleSpec("vllm", None, origin="by hand")
    module.LLM, module.SamplingParams = LLM, lambda **options: options
    monkeypatch.setitem(sys.modules, "vllm", module)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmarks")
    make.make_medmcqa(root, questions=5)
    make.make_usmle(root)
    return root


@pytest.fixture(scope="module")
def llava(tmp_path_factory):
    return make.write_twins(tmp_path_factory.mktemp("twins"))[0]


@pytest.mark.parametrize("case", [("medmcqa", Prompting(2)), ("usmle", Prompting(0, True))], ids=["shots", "template"])
def test_the_likelihoods_are_those_of_transformers(vllm, root, llava, tmp_path, case):
    name, prompting = case
    found = {}
    for engine in ("transformers", "vllm"):
        path = tmp_path / f"{engine}.jsonl"
        run_likelihood(Checkpoint(llava, Settings(batch_size=3), engine), load(name, root), path, None, prompting)
        found[engine] = read_predictions(path)
    lines = zip(found["transformers"].lines, found["vllm"].lines, strict=True)
    for line, other in lines:
        assert other.prompt == line.prompt and other.output == line.output
        near = pytest.approx(line.facts["loglikelihoods"], abs=1e-4)
        assert other.facts == line.facts | {"loglikelihoods": near}
    header = found["vllm"].header["engine"]
    assert header["name"] == "lm-eval" and header["through"]["name"] == "vllm"
    assert "through" not in found["transformers"].header["engine"]


def test_without_lm_eval_it_is_told_what_to_do(vllm, root, llava, monkeypatch):
    plain = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lm_eval" else plain(name))
    ready, missing = find(["medmcqa"], root, Checkpoint(llava, Settings(), "vllm"))
    assert not ready and "uv pip install lm-eval" in missing[0]
