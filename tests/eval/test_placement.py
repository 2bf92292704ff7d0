"""Where a large model's weights go: what does not fit is told before anything is loaded."""

import pytest
import torch

from eval import model as model_module
from eval.cli import main
from eval.engines.placement import Placement
from eval.engines.transformers_engine import TransformersEngine
from eval.errors import EvalError

CONFIG = {"text_config": {"num_attention_heads": 12}}


@pytest.fixture
def eight_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)


@pytest.mark.parametrize(("tensor", "data"), [(1, 1), (2, 4), (4, 2), (6, 1), (1, 8)])
def test_what_fits(eight_gpus, tensor, data):
    Placement(tensor_parallel=tensor, data_parallel=data).check(CONFIG, "vllm", "cuda")


def test_a_size_that_does_not_divide_the_attention_heads(eight_gpus):
    with pytest.raises(EvalError, match=r"--tensor-parallel 8 does not divide the model's 12 .* 1, 2, 3, 4, 6, 12"):
        Placement(tensor_parallel=8).check(CONFIG, "vllm", "cuda")
    Placement(tensor_parallel=8).check({"num_attention_heads": 32}, "vllm", "cuda")


def test_more_gpus_than_there_are(eight_gpus):
    with pytest.raises(EvalError, match="need 12 GPUs; here are 8"):
        Placement(tensor_parallel=4, data_parallel=3).check(CONFIG, "vllm", "cuda")
    with pytest.raises(EvalError, match="need 2 GPUs; here are 1"):
        Placement(tensor_parallel=2).check(CONFIG, "vllm", "cpu")


def test_all_problems_together(eight_gpus):
    with pytest.raises(EvalError, match=r"belong to --engine transformers.*does not divide.*need 40 GPUs"):
        Placement(load_in="4bit", tensor_parallel=5, data_parallel=8).check(CONFIG, "vllm", "cuda")


def test_options_of_the_other_engine():
    with pytest.raises(EvalError, match="belong to --engine vllm"):
        Placement(tensor_parallel=2).check(CONFIG, "transformers", "cuda")
    with pytest.raises(EvalError, match="belong to --engine transformers"):
        Placement(device_map="auto").check(CONFIG, "vllm", "cuda")


def test_the_command_line_refuses_before_a_model_is_loaded(llava, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(model_module, "default_device", lambda: "cpu")
    command = ["run", "--model", str(llava), "--task", "safety", "--out", str(tmp_path / "out")]
    assert main([*command, "--load-in", "4bit"]) == 1
    assert "weights are quantised for GPUs, and there is none here" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_header_holds_what_differs_from_the_defaults():
    assert Placement().header() == {}
    assert Placement(device_map="auto", load_in="8bit").header() == {"device_map": "auto", "load_in": "8bit"}


def test_a_device_map_gives_the_same_model(llava):
    plain = TransformersEngine(llava, "float32", "cpu")
    mapped = TransformersEngine(llava, "float32", "cpu", placement=Placement(device_map="auto"))
    left, right = plain.model.state_dict(), mapped.model.state_dict()
    assert all(torch.equal(left[name], right[name]) for name in left) and left.keys() == right.keys()
