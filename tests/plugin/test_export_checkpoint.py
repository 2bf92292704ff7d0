"""What cannot be exported is refused with its reason, before anything is converted."""

from __future__ import annotations

import json

import pytest
from transformers import CLIPVisionConfig, LlavaConfig, SiglipVisionConfig

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import read_checkpoint
from bimedix2_plugin.rehearse import tiny

_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
_VISION |= {"image_size": 28, "patch_size": 14}
_TEXT = {"model_type": "llama", "hidden_size": 64, "vocab_size": 100}
_PADS = {"do_pad": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def _llava(folder, processor=_PADS, tower=CLIPVisionConfig, text=_TEXT, **changes):
    """The configuration of a checkpoint, with the header of a file of weights."""
    strategy = "default" if tower is CLIPVisionConfig else "full"
    given = {"vision_feature_select_strategy": strategy} | changes
    config = LlavaConfig(text_config=text, vision_config=tower(**_VISION), image_token_index=99, **given)
    config.save_pretrained(folder)
    _edit(folder, {"model_type": "llava"} | changes)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


def _edit(folder, changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _refused(folder, *, images_prepared=False):
    with pytest.raises(RecipeError) as error:
        read_checkpoint(folder, images_prepared=images_prepared)
    return error.value.problems


@pytest.mark.parametrize("tower", [CLIPVisionConfig, SiglipVisionConfig])
def test_a_llava_is_read(tmp_path, tower):
    checkpoint = read_checkpoint(_llava(tmp_path, tower=tower), images_prepared=False)
    assert checkpoint.has_vision
    assert checkpoint.vision_blocks == 2
    assert checkpoint.vision_tokens == 4


@pytest.mark.parametrize(("layer", "blocks"), [(-3, 1), (1, 1), (2, 2)])
def test_the_hidden_state_decides_the_blocks(tmp_path, layer, blocks):
    assert read_checkpoint(_llava(tmp_path, vision_feature_layer=layer), images_prepared=False).vision_blocks == blocks


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vision_feature_layer": [-2, -1]}, "vision_feature_layer is [-2, -1]"),
        ({"vision_feature_layer": -1}, "vision_feature_layer is -1"),
        ({"vision_feature_layer": 0}, "vision_feature_layer is 0"),
        ({"vision_feature_select_strategy": "full"}, "vision_feature_select_strategy is 'full'"),
        ({"projector_hidden_act": "relu"}, "projector_hidden_act is 'relu'"),
        ({"quantization_config": {"bits": 4}}, "weights are quantised"),
        ({"vision_config": {"model_type": "dinov2"}}, "its vision tower is a 'dinov2'"),
        ({"vision_config": {"model_type": "pixtral"}}, "its vision tower is a 'pixtral'"),
        ({"vision_config": _VISION | {"model_type": "clip_vision_model", "hidden_act": "relu"}}, "tower is 'relu'"),
    ],
)
def test_what_llama_cpp_does_not_compute_is_refused(tmp_path, changes, said):
    folder = _llava(tmp_path)
    _edit(folder, changes)
    (problem,) = _refused(folder)
    assert said in problem
    assert str(folder) in problem


def test_all_reasons_are_told_together(tmp_path):
    folder = _llava(tmp_path)
    _edit(folder, {"vision_feature_layer": -1, "projector_hidden_act": "relu", "quantization_config": {"bits": 4}})
    assert len(_refused(folder)) == 3


@pytest.mark.parametrize("processor", [_PADS | {"do_pad": False}, {"size": {"height": 28, "width": 28}}])
def test_images_that_llama_cpp_would_pad_are_refused_unless_they_are_prepared(tmp_path, processor):
    folder = _llava(tmp_path, processor)
    (problem,) = _refused(folder)
    assert "--images-prepared" in problem
    assert read_checkpoint(folder, images_prepared=True).has_vision


def test_a_llava_without_an_image_processor_is_refused(tmp_path):
    _llava(tmp_path, {})
    assert "no preprocessor_config.json" in _refused(tmp_path, images_prepared=True)[0]


def test_an_adapter_is_to_be_merged_first(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "holds an adapter" in _refused(tmp_path)[0]
    assert "merge-lora" in _refused(tmp_path)[0]


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    assert "holds no config.json" in _refused(tmp_path)[0]


def test_a_broken_configuration_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    assert "config.json: not readable as JSON" in _refused(tmp_path)[0]


def test_missing_weights_are_named(tmp_path):
    _llava(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    assert "holds no model.safetensors" in _refused(tmp_path)[0]


def test_a_model_with_a_vision_part_of_its_own_is_sent_to_the_own_converter(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_5_vl", "vision_config": {}}')
    assert "--mmproj" in _refused(tmp_path)[0]


_GEMMA = {"head_dim": 128, "hidden_size": 5376, "num_attention_heads": 32, "num_hidden_layers": 48}


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"query_pre_attn_scalar": 128}, True),
        ({"query_pre_attn_scalar": 168}, False),
        ({"query_pre_attn_scalar": 168, "num_hidden_layers": 62}, True),
        ({"query_pre_attn_scalar": 128, "num_hidden_layers": 62}, False),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_gemma_3_with_another_query_scale_is_refused(tmp_path, changes, known, inside):
    text = {"model_type": "gemma3_text"} | _GEMMA | changes
    _llava(tmp_path)
    if inside:
        _edit(tmp_path, {"text_config": text})
    else:
        (tmp_path / "config.json").write_text(json.dumps(text))
    if known:
        assert read_checkpoint(tmp_path, images_prepared=False).text["query_pre_attn_scalar"]
    else:
        assert "query_pre_attn_scalar" in _refused(tmp_path)[0]


def test_a_text_model_is_read(tmp_path):
    tiny.llama(tmp_path, tied=True)
    checkpoint = read_checkpoint(tmp_path, images_prepared=False)
    assert not checkpoint.has_vision
    assert checkpoint.text["model_type"] == "llama"
