"""A LLaVA-pp checkpoint becomes transformers' LLaVA: the same logits, no tensor left over, whole or not at all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from transformers import AutoProcessor, CLIPVisionModel, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from bimedix2_plugin.cli import convert
from bimedix2_plugin.model.compose import compose
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.model.vision_language.registry import of_folder
from bimedix2_plugin.rehearse import tiny

SIDE, TOKENS = 28, 4
# The first pattern that matches: transformers' names to those of LlavaLlamaForCausalLM.
TO_LLAVA_PP = {
    r"^model\.language_model\.": "model.",
    r"^model\.multi_modal_projector\.linear_1\.": "model.mm_projector.0.",
    r"^model\.multi_modal_projector\.linear_2\.": "model.mm_projector.2.",
    r"^model\.vision_tower\.": "model.vision_tower.vision_tower.vision_model.",
}
# As LLaVA's training writes them into config.json.
MULTIMODAL = {
    "architectures": ["LlavaLlamaForCausalLM"],
    "model_type": "llava_llama",
    "freeze_mm_mlp_adapter": False,
    "image_aspect_ratio": "pad",
    "mm_hidden_size": 32,
    "mm_patch_merge_type": "flat",
    "mm_projector_lr": 2e-5,
    "mm_projector_type": "mlp2x_gelu",
    "mm_use_im_patch_token": False,
    "mm_use_im_start_end": False,
    "mm_vision_select_feature": "patch",
    "mm_vision_select_layer": -2,
    "tokenizer_model_max_length": 4096,
    "tokenizer_padding_side": "right",
    "tune_mm_mlp_adapter": False,
    "use_mm_proj": True,
}
PROMPT = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nA chat between a curious user and an artificial "
    "intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n<image>\nWhat is shown?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)


def _reference(tower: Path, vocabulary: int, tied: bool = False) -> LlavaForConditionalGeneration:
    """A LLaVA of transformers with the weights of a tower."""
    vision = CLIPVisionModel.from_pretrained(tower)
    text = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        tie_word_embeddings=tied,
    )
    config = LlavaConfig(text_config=text, vision_config=vision.config, image_seq_length=TOKENS)
    model = tiny.random_model(LlavaForConditionalGeneration, config)
    model.model.vision_tower.load_state_dict(vision.state_dict())
    return model


def _llava_pp(folder: Path, *, with_tower: bool, style: str = "llama3", tied: bool = False, **changes) -> Path:
    """Write a reference model beside its LLaVA-pp form, with the row for <pad>; return the form's folder."""
    tower = tiny.clip_vision(folder / "tower")
    words = tiny.tokenizer(folder / "llava_pp", style)
    words.add_special_tokens({"pad_token": "<pad>"})
    words.save_pretrained(folder / "llava_pp")
    model = _reference(tower, len(words), tied)
    model.save_pretrained(folder / "reference")
    config = model.config.text_config.to_dict() | {"mm_vision_tower": str(tower)} | MULTIMODAL | changes
    (folder / "llava_pp" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = {}
    for name, tensor in model.state_dict().items():
        if (with_tower or "vision_tower" not in name) and not (tied and name == "lm_head.weight"):
            weights[_renamed(name)] = tensor.clone()
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    save_file(weights, folder / "llava_pp" / "model.safetensors")
    return folder / "llava_pp"


def _renamed(name: str) -> str:
    pattern = next((pattern for pattern in TO_LLAVA_PP if re.search(pattern, name)), None)
    return re.sub(pattern, TO_LLAVA_PP[pattern], name) if pattern else name


def _run(folder: Path, out: Path, *options: str):
    return CliRunner().invoke(convert, [str(folder), "--out", str(out), *options])


@pytest.fixture(scope="module", params=["tower in the checkpoint", "tower by name", "tied", "no spare row"])
def converted(request, tmp_path_factory):
    """A reference model's folder, and the converted one."""
    work = tmp_path_factory.mktemp("convert")
    tied, style = request.param == "tied", "chatml" if request.param == "no spare row" else "llama3"
    folder = _llava_pp(work, with_tower=request.param != "tower by name", tied=tied, style=style)
    done = _run(folder, work / "out")
    assert done.exit_code == 0, done.output
    return work / "reference", work / "out"


def test_the_logits_are_those_of_the_same_weights(converted):
    reference, ours = converted
    expected = LlavaForConditionalGeneration.from_pretrained(reference)
    model, report = LlavaForConditionalGeneration.from_pretrained(ours, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    expected.config.image_token_id = placeholder = model.config.image_token_id
    words = torch.randint(5, 500, (1, 9), generator=torch.Generator().manual_seed(0))
    ids = torch.cat([words, torch.full((1, TOKENS), placeholder), words], dim=1)
    pixels = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    rows = expected.config.text_config.vocab_size
    if placeholder >= rows:
        expected.resize_token_embeddings(placeholder + 1)
    with torch.no_grad():
        own = expected(input_ids=ids, pixel_values=pixels).logits[..., :rows]
        assert torch.equal(model(input_ids=ids, pixel_values=pixels).logits[..., :rows], own)
    assert model.config.vision_feature_layer == -2 and model.config.text_config.rope_parameters["rope_theta"] == 5e5


def test_it_has_the_names_of_llava_hf_and_no_helper_file(converted):
    names = load_file(converted[1] / "model.safetensors").keys()
    starts = (
        "language_model.model.",
        "language_model.lm_head.",
        "vision_tower.vision_model.",
        "multi_modal_projector.",
    )
    assert all(name.startswith(starts) for name in names)
    assert {name.split(".")[0] for name in names} == {"language_model", "vision_tower", "multi_modal_projector"}
    assert not [file for file in converted[1].iterdir() if file.is_dir() or file.name.startswith(".")]
    assert {file.stat().st_mode & 0o044 for file in converted[1].iterdir()} == {0o044}


def test_it_is_a_base_model_with_llava_pps_prompt(converted, tmp_path):
    linked = compose(Request(base=str(converted[1]), root=tmp_path))
    processor = AutoProcessor.from_pretrained(linked)
    content = [{"type": "image"}, {"type": "text", "text": "What is shown?"}]
    turns = [{"role": "user", "content": content}]
    prompt = processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert prompt.removeprefix(processor.tokenizer.bos_token) == PROMPT.removeprefix("<|begin_of_text|>")
    assert of_folder(linked).image_tokens(40, 24) == TOKENS
    assert processor.image_processor.do_pad


def test_aspect_and_system_text_are_as_asked_for(tmp_path):
    folder = _llava_pp(tmp_path, with_tower=True, image_aspect_ratio=None)
    assert _run(folder, tmp_path / "out", "--system", "").exit_code == 0
    processor = AutoProcessor.from_pretrained(tmp_path / "out")
    assert not processor.image_processor.do_pad and "A chat between" not in processor.chat_template


def test_a_tower_can_be_named_in_the_place_of_one_that_is_gone(tmp_path):
    folder = _llava_pp(tmp_path, with_tower=False, mm_vision_tower="/gone/clip")
    done = _run(folder, tmp_path / "out")
    assert done.exit_code == 1 and "/gone/clip" in done.output and "--vision-tower" in done.output
    assert _run(folder, tmp_path / "out", "--vision-tower", str(tmp_path / "tower")).exit_code == 0
    assert _run(folder, tmp_path / "out").output.count("exists. Remove it") == 1


def _without(name):
    return lambda folder: _change_weights(folder, lambda weights: weights.pop(name))


def _with(name, shape):
    return lambda folder: _change_weights(folder, lambda weights: weights.update({name: torch.ones(shape)}))


def _change_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def _set(**changes):
    def spoil(folder):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")

    return spoil


BAD = {
    "unknown tensor": (_with("model.image_newline", (64,)), "model.image_newline is unknown"),
    "missing bias": (_without("model.mm_projector.2.bias"), "no tensor for model.multi_modal_projector.linear_2.bias"),
    "missing layer": (_without("model.layers.1.mlp.up_proj.weight"), "language_model.layers.1.mlp.up_proj.weight"),
    "no embeddings": (_without("model.embed_tokens.weight"), "model.embed_tokens.weight is in no file"),
    "shape": (_with("model.mm_projector.0.weight", (64, 48)), r"model.mm_projector.0.weight has the shape \[64, 48\]"),
    "part of the tower": (_without(_renamed("model.vision_tower.embeddings.class_embedding")), "class_embedding"),
    "a finished LLaVA": (_set(model_type="llava"), "model_type is 'llava'.*named as base_model"),
    "two problems": (_set(mm_projector_type="linear", s2=True), "mm_projector_type is 'linear'(.|\n)*s2 is True"),
    "crops": (_set(image_aspect_ratio="anyres"), "image_aspect_ratio is 'anyres'"),
    "no layer": (_set(mm_vision_select_layer=None), "mm_vision_select_layer is missing"),
    "no tower": (_set(mm_vision_tower=None), "names no mm_vision_tower. Set --vision-tower"),
    "another tower": (_set(mm_hidden_size=1024), "hidden size of 32, the checkpoint's mm_hidden_size is 1024"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "holds no model.safetensors"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return _llava_pp(tmp_path_factory.mktemp("sound"), with_tower=True)


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_converted_is_one_message(sound, name):
    spoil, message = BAD[name]
    files = {file: file.read_bytes() for file in sound.iterdir()}
    out = sound.parent / "out"
    try:
        spoil(sound)
        done = _run(sound, out)
    finally:
        for file, content in files.items():
            file.write_bytes(content)
    assert done.exit_code == 1 and re.search(message, done.output), done.output
    assert not out.exists() and not list(sound.parent.glob(".out.*partial*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from bimedix2_plugin.convert.conversion import convert
from bimedix2_plugin.merge import writing
writing.SHARD_BYTES = 40_000
seen = []
def update(bar, size):
    seen.append(size)
    if len(seen) == 20:
        os.kill(os.getpid(), signal.SIGKILL)
writing.tqdm.update = update
convert(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_killed_conversion_leaves_no_folder_and_is_begun_again(sound, tmp_path):
    out = tmp_path / "out"
    assert subprocess.run([sys.executable, "-c", KILLED, sound, out], check=False).returncode == -9
    assert not out.exists()
    assert _run(sound, out).exit_code == 0
    assert not list(tmp_path.glob(".out.partial"))
