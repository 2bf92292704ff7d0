"""The vision part as llama.cpp computes it, against transformers: served beside a real language model of its width."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.comparison import embedding_error
from bimedix2_plugin.export.mmproj import write_mmproj
from bimedix2_plugin.export.server import ServerError, serving
from bimedix2_plugin.export.shifted import shifted
from bimedix2_plugin.export.vision import read_vision
from bimedix2_plugin.quickstart_parts import SMOLLM2
from bimedix2_plugin.rehearse.tiny_llava import LLAVA_HF, rename
from tests.helpers.exportable import Llava

pytest.importorskip("xllamacpp")


def _error(llava, part):
    file = llava.folder / "mmproj.gguf"
    write_mmproj(file, part, "a test")
    with serving(SMOLLM2.locate()[0], file, llava.folder, 512) as server:
        return embedding_error(server, llava.embeddings, llava.image)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"side": 60}, id="a side that is no multiple of the patch"),
        pytest.param({"vision_feature_layer": -3, "multimodal_projector_bias": False}, id="layer -3, no biases"),
    ],
)
def test_siglip_is_as_in_transformers(tmp_path, changes):
    llava = Llava(tmp_path, "siglip", **changes)
    found = _error(llava, read_vision(llava.checkpoint))
    assert found.passed, found


@pytest.mark.parametrize("scale", [0.05, 20])
def test_the_shifted_clip_is_as_in_transformers_and_the_stored_one_is_not(tmp_path, scale):
    """By the llama.cpp that is installed; one with pull request 25844 computes it the other way round."""
    llava = Llava(tmp_path, "clip", scale=scale)
    part = read_vision(llava.checkpoint)
    moved = shifted(part)
    errors = [_error(llava, part), _error(llava, moved)]
    assert sorted(error.passed for error in errors) == [False, True], [str(error) for error in errors]
    assert max(error.mean for error in errors) > 0.05


def test_names_of_published_checkpoints_are_read(tmp_path):
    llava = Llava(tmp_path, "siglip")
    before = read_vision(llava.checkpoint).tensors
    rename(tmp_path, {r"^model\.": ""} | LLAVA_HF)
    renamed = replace(llava.checkpoint)
    after = read_vision(renamed).tensors
    assert "vision_tower.vision_model.embeddings.patch_embedding.weight" in renamed.shards.weight_map
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_one_wrong_weight_is_seen(tmp_path):
    llava = Llava(tmp_path, "siglip")
    part = read_vision(llava.checkpoint)
    part.tensors["v.blk.1.ffn_down.weight"] = part.tensors["v.blk.1.ffn_down.weight"].roll(1, 0)
    assert not _error(llava, part).passed


def test_a_server_that_dies_is_an_error(tmp_path):
    llava = Llava(tmp_path, "siglip")
    part = read_vision(llava.checkpoint)
    del part.tensors["v.position_embd.weight"]
    with pytest.raises(ServerError, match="disconnected"):
        _error(llava, part)


def test_a_file_that_llama_cpp_cannot_read_is_an_error_with_its_words(tmp_path):
    file = tmp_path / "mmproj.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(ServerError, match=r"mmproj\.gguf"), serving(SMOLLM2.locate()[0], file, tmp_path, 512):
        pass


def test_missing_and_unknown_tensors_are_named(tmp_path):
    llava = Llava(tmp_path, "clip")
    rename(tmp_path, {r"layers\.0\.mlp\.fc1": "layers.0.mlp.other"})
    with pytest.raises(RecipeError, match=r"unknown tensor .*mlp\.other.*no v\.blk\.0\.ffn_up"):
        read_vision(llava.checkpoint)


def test_heads_too_narrow_to_tell_the_rows_apart_have_no_shifted_form(tmp_path):
    llava = Llava(tmp_path, "clip", side=336, vision={"hidden_size": 32, "num_attention_heads": 4})
    assert shifted(read_vision(llava.checkpoint)) is None
