"""Which class loads a checkpoint: what has a vision part sees, and what transformers cannot load is one plain error."""

import json

import pytest

from eval.checkpoint import has_vision
from eval.cli import main
from eval.errors import EvalError
from eval.model_class import check_class, sees


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llava"},
        {"model_type": "gemma3", "vision_config": {}},
        {"model_type": "qwen2_5_vl", "vision_config": {}},
        {"model_type": "internvl", "vision_config": {}},
        {"model_type": "mistral3"},
        {"model_type": "llava_onevision"},
    ],
)
def test_what_has_a_vision_part_sees(config):
    assert sees(config)
    check_class("m", config)


@pytest.mark.parametrize("model_type", ["llama", "gemma3_text", "qwen3", "phi3", "mistral", "falcon_h1", "jais2"])
def test_a_language_model_does_not(model_type):
    assert not sees({"model_type": model_type})
    check_class("m", {"model_type": model_type})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "llava_llama", "mm_vision_tower": "t"}, "axolotl bimedix2-convert"),
        ({"model_type": "llava_mistral"}, "axolotl bimedix2-convert"),
        ({"model_type": "phi3_v", "auto_map": {"AutoConfig": "configuration_phi3_v.Phi3VConfig"}}, "code of its own"),
        ({"model_type": "internvl_chat", "auto_map": {}, "vision_config": {}}, "code of its own"),
        ({"model_type": "of_tomorrow"}, "is unknown to transformers"),
        ({}, "is unknown to transformers"),
        ({"model_type": "clip", "vision_config": {}}, "no class of model type 'clip' that answers images and text"),
        ({"model_type": "bert_generation_of_none", "auto_map": {}}, "code of its own"),
        ({"model_type": "vit"}, "no class of model type 'vit' that answers text"),
    ],
)
def test_what_transformers_cannot_load_is_one_error(config, message, tmp_path, capsys):
    with pytest.raises(EvalError, match="--engine openai") as raised:
        check_class("m", config)
    assert message in str(raised.value)
    # Such checkpoints often have weights in other files: the class is what is told.
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "pytorch_model.bin").write_bytes(b"weights")
    with pytest.raises(EvalError, match="--engine openai"):
        has_vision(tmp_path)
    assert main(["run", "--model", str(tmp_path), "--task", "safety", "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()
