"""The vision part as llama.cpp computes it, against transformers: served beside a real language model of its width."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL import Image
from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration, SiglipVisionConfig

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import Checkpoint
from bimedix2_plugin.export.comparison import embedding_error
from bimedix2_plugin.export.mmproj import write_mmproj
from bimedix2_plugin.export.probes import synthetic_images
from bimedix2_plugin.export.server import ServerError, serving
from bimedix2_plugin.export.shifted import shifted
from bimedix2_plugin.export.vision import read_vision
from bimedix2_plugin.model.families import CLIP_MEAN, CLIP_STD
from bimedix2_plugin.quickstart_parts import SMOLLM2
from bimedix2_plugin.rehearse.tiny import random_model
from bimedix2_plugin.rehearse.tiny_llava import LLAVA_HF, rename

pytest.importorskip("xllamacpp")

_TOWERS = {"clip": (CLIPVisionConfig, "default"), "siglip": (SiglipVisionConfig, "full")}
_SIZES = {"hidden_size": 96, "intermediate_size": 192, "num_attention_heads": 4, "num_hidden_layers": 4}
_TEXT = {"model_type": "llama", "vocab_size": 100, "hidden_size": 576, "intermediate_size": 8, "num_hidden_layers": 1}


class _Llava:
    """A LLaVA with random weights, of the width of SmolLM2, and what it sees in an image."""

    def __init__(self, folder, tower, *, scale=1.0, side=56, **changes):
        kind, strategy = _TOWERS[tower]
        sizes = _SIZES | {"image_size": side, "patch_size": 14, **changes.pop("vision", {})}
        given = {"vision_feature_select_strategy": strategy, "image_token_index": 99} | changes
        config = LlavaConfig(text_config=_TEXT, vision_config=kind(**sizes), **given)
        model = random_model(LlavaForConditionalGeneration, config)
        model.model.vision_tower.embeddings.patch_embedding.weight.data *= scale
        model.save_pretrained(folder)
        processor = {"image_mean": list(CLIP_MEAN), "image_std": list(CLIP_STD)}
        self.folder, self.checkpoint = folder, Checkpoint(folder, config.to_dict(), processor)
        self.image = synthetic_images()[0].resize((side, side), Image.Resampling.BICUBIC)
        self.embeddings = self._embeddings(model)

    def _embeddings(self, model):
        values = torch.frombuffer(bytearray(self.image.tobytes()), dtype=torch.uint8).float() / 255
        pixels = (values.reshape(*self.image.size, 3) - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
        layer, strategy = model.config.vision_feature_layer, model.config.vision_feature_select_strategy
        with torch.no_grad():
            features = model.get_image_features(
                pixel_values=pixels.permute(2, 0, 1)[None],
                vision_feature_layer=layer,
                vision_feature_select_strategy=strategy,
            )
        return features.pooler_output[0]

    def error(self, part):
        file = self.folder / "mmproj.gguf"
        write_mmproj(file, part, "a test")
        with serving(SMOLLM2.locate()[0], file, self.folder, 512) as server:
            return embedding_error(server, self.embeddings, self.image)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"side": 60}, id="a side that is no multiple of the patch"),
        pytest.param({"vision_feature_layer": -3, "multimodal_projector_bias": False}, id="layer -3, no biases"),
    ],
)
def test_siglip_is_as_in_transformers(tmp_path, changes):
    llava = _Llava(tmp_path, "siglip", **changes)
    found = llava.error(read_vision(llava.checkpoint))
    assert found.passed, found


@pytest.mark.parametrize("scale", [0.05, 1, 20])
def test_the_shifted_clip_is_as_in_transformers_and_the_stored_one_is_not(tmp_path, scale):
    """By the llama.cpp that is installed; one with pull request 25844 computes it the other way round."""
    llava = _Llava(tmp_path, "clip", scale=scale)
    part = read_vision(llava.checkpoint)
    moved = shifted(part)
    errors = [llava.error(part), llava.error(moved)]
    assert sorted(error.passed for error in errors) == [False, True], [str(error) for error in errors]
    assert max(error.mean for error in errors) > 0.05


def test_names_of_published_checkpoints_are_read(tmp_path):
    llava = _Llava(tmp_path, "siglip")
    before = read_vision(llava.checkpoint).tensors
    rename(tmp_path, {r"^model\.": ""} | LLAVA_HF)
    renamed = replace(llava.checkpoint)
    after = read_vision(renamed).tensors
    assert "vision_tower.vision_model.embeddings.patch_embedding.weight" in renamed.shards.weight_map
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_one_wrong_weight_is_seen(tmp_path):
    llava = _Llava(tmp_path, "siglip")
    part = read_vision(llava.checkpoint)
    part.tensors["v.blk.1.ffn_down.weight"] = part.tensors["v.blk.1.ffn_down.weight"].roll(1, 0)
    assert not llava.error(part).passed


def test_a_server_that_dies_is_an_error(tmp_path):
    llava = _Llava(tmp_path, "siglip")
    part = read_vision(llava.checkpoint)
    del part.tensors["v.position_embd.weight"]
    with pytest.raises(ServerError, match="disconnected"):
        llava.error(part)


def test_a_file_that_llama_cpp_cannot_read_is_an_error_with_its_words(tmp_path):
    file = tmp_path / "mmproj.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(ServerError, match=r"mmproj\.gguf"), serving(SMOLLM2.locate()[0], file, tmp_path, 512):
        pass


def test_missing_and_unknown_tensors_are_named(tmp_path):
    llava = _Llava(tmp_path, "clip")
    rename(tmp_path, {r"layers\.0\.mlp\.fc1": "layers.0.mlp.other"})
    with pytest.raises(RecipeError, match=r"unknown tensor .*mlp\.other.*no v\.blk\.0\.ffn_up"):
        read_vision(llava.checkpoint)


def test_heads_too_narrow_to_tell_the_rows_apart_have_no_shifted_form(tmp_path):
    llava = _Llava(tmp_path, "clip", side=336, vision={"hidden_size": 32, "num_attention_heads": 4})
    assert shifted(read_vision(llava.checkpoint)) is None
