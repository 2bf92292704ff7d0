"""Each tiny model, tokenizer and data set loads as the real one does."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from datasets import load_dataset
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForCausalLM, AutoTokenizer

from bimedix2_plugin.rehearse import tiny
from bimedix2_plugin.rehearse.tiny_tokenizers import LLAMA31_TOKENS
from data_prep.images.store import ImageStore
from tests.helpers import tiny_data
from tests.helpers.tiny_data import ROW_SCHEMA

CHAT = [{"role": "user", "content": "هل يوجد كسر؟"}, {"role": "assistant", "content": "No fracture."}]


@pytest.mark.parametrize(
    ("style", "start", "reply"),
    [
        ("chatml", "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n", "No fracture.<|im_end|>\n"),
        ("llama3", "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting", "No fracture.<|eot_id|>"),
    ],
)
def test_tokenizer_renders_its_style_and_is_lossless(tmp_path, style, start, reply):
    tiny.tokenizer(tmp_path, style)
    words = AutoTokenizer.from_pretrained(tmp_path)
    text = words.apply_chat_template(CHAT, tokenize=False)
    assert text.startswith(start) and text.endswith(reply)
    assert words.decode(words(text, add_special_tokens=False)["input_ids"]) == text
    assert len(words) == 560
    assert (words("a")["input_ids"][0] == words.bos_token_id) == (style == "llama3")


@pytest.mark.parametrize(("tied", "sharded"), [(True, False), (False, True)])
def test_llama_loads_whole(tmp_path, tied, sharded):
    tiny.llama(tmp_path, tied=tied, sharded=sharded, spare_rows=5)
    model, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert model.get_input_embeddings().weight.shape == (565, 64)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == tied
    assert (tmp_path / "model.safetensors.index.json").exists() == sharded
    assert not torch.equal(model.model.norm.weight, torch.ones(64))


@pytest.mark.parametrize("make", [tiny.clip_vision, tiny.dinov2])
def test_tower_has_four_tokens_and_a_layer_before_the_last(tmp_path, make):
    make(tmp_path)
    model, info = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    pixels = AutoImageProcessor.from_pretrained(tmp_path)(
        torch.zeros(3, 40, 30, dtype=torch.uint8), return_tensors="pt"
    )["pixel_values"]
    states = model(pixels, output_hidden_states=True).hidden_states
    assert pixels.shape == (1, 3, 28, 28)
    assert len(states) == 4 and states[-2].shape == (1, 5, 32)


def test_whole_clip_as_pickle_has_the_weights_of_the_safetensors(tmp_path):
    tiny.clip_whole(tmp_path / "bin", as_bin=True)
    tiny.clip_whole(tmp_path / "safe")
    assert not list((tmp_path / "bin").glob("*.safetensors"))
    state = torch.load(tmp_path / "bin" / "pytorch_model.bin", weights_only=True)
    model, info = AutoModel.from_pretrained(tmp_path / "safe", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert AutoConfig.from_pretrained(tmp_path / "bin").model_type == "clip"
    assert torch.equal(state["vision_model.post_layernorm.weight"], model.vision_model.post_layernorm.weight)
    assert "vision_model.embeddings.position_ids" in state


def test_dataset_follows_the_contract(tmp_path):
    folder = tiny_data.dataset(tmp_path / "tiny")
    manifest = json.loads((folder / "manifest.json").read_text())
    store = ImageStore(folder / "images")
    kinds = set()
    for name, shard in manifest["shards"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == shard["sha256"]
        table = pq.read_table(folder / name)
        assert table.schema.equals(ROW_SCHEMA) and len(table) == shard["rows"]
        for row in table.to_pylist():
            parts = [part["type"] for message in row["messages"] for part in message["content"]]
            assert parts.count("image") == len(row["images"]) and all(key in store for key in row["images"])
            assert [message["role"] for message in row["messages"]][-1] == "assistant"
            kinds.add((row["language"], len(row["images"]), len(row["messages"]) > 2))
    assert len(kinds) == 7
    assert len(store) == 6 and store.image(row["images"][0]).mode == "RGB"
    assert manifest["read"] == manifest["written"] == 32


def test_dataset_loads_by_its_card_and_is_deterministic(tmp_path):
    folder, again = tiny_data.dataset(tmp_path / "a" / "tiny"), tiny_data.dataset(tmp_path / "b" / "tiny")
    assert len(load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))) == 24
    assert _contents(folder) == _contents(again) != _contents(tiny_data.dataset(tmp_path / "c" / "tiny", seed=1))


def test_dataset_without_images_has_no_store(tmp_path):
    folder = tiny_data.dataset(tmp_path / "tiny", rows=4, with_images=False)
    assert not (folder / "images").exists()
    assert json.loads((folder / "manifest.json").read_text())["counts"]["task"] == {"text_qa": 12}


def test_llama31_tokenizer_is_the_real_one(tmp_path):
    from llama_models.llama3.tokenizer import Tokenizer

    tiny.llama31_tokenizer(tmp_path)
    words, real = AutoTokenizer.from_pretrained(tmp_path), Tokenizer.get_instance()
    for text in ["The patient's CT, 12345 mg.\n\n  x", "هل تُظهر الأشعةُ كسرًا؟", "mixed نص TEXT  "]:
        assert words(text)["input_ids"] == real.encode(text, bos=True, eos=False)
    assert [words.convert_tokens_to_ids(token) for token in LLAMA31_TOKENS] == list(range(128000, 128256))
    assert words.eos_token_id == 128009 and words.pad_token_id == 128004


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
