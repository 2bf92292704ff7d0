"""SigLIP beside CLIP and DINOv2: its own features to the bit, every patch a token, LLaVA's images in its colours."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

from bimedix2_plugin.model.compose import compose, load
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny

SIDE, TOKENS = 30, 4  # two patches of 14 pixels a side, and two pixels to spare


@pytest.fixture(scope="module", params=["siglip_vision", "siglip_whole"])
def folders(request, parts, tmp_path_factory):
    """A vision model alone, or a whole SigLIP without its processor's file; the composed folder of each aspect."""
    work = tmp_path_factory.mktemp(request.param)
    tower = getattr(tiny, request.param)(work / "tower")
    if request.param == "siglip_whole":
        (tower / "preprocessor_config.json").unlink()
    wanted = {"base": str(parts / "llama"), "tower": str(tower), "root": work / "composed"}
    return tower, {aspect: compose(Request(**wanted, image_aspect=aspect)) for aspect in ("pad", "square")}


def test_features_are_the_towers_own_to_the_bit(folders):
    tower, composed = folders
    model, report = load(composed["pad"], dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    whole = AutoModel.from_pretrained(tower, dtype=torch.float32)
    pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-2]
        own = getattr(whole, "vision_model", whole)(pixels, output_hidden_states=True).hidden_states[-2]
        features = torch.stack(model.get_image_features(pixels).pooler_output)
        expected = model.model.multi_modal_projector(own)
    assert torch.equal(ours, own)
    assert features.shape == (2, TOKENS, 64) and torch.equal(features, expected)


def test_every_patch_is_a_token(folders):
    """SigLIP has no class token, so `default` selection would drop a patch."""
    for folder in folders[1].values():
        processor, config = AutoProcessor.from_pretrained(folder), load(folder).config
        inputs = processor(text=["<image>?"], images=[[Image.new("RGB", (40, 25))]], return_tensors="pt")
        assert int((inputs["input_ids"] == config.image_token_id).sum()) == config.image_seq_length == TOKENS
        assert config.vision_feature_select_strategy == processor.vision_feature_select_strategy == "full"


def test_pictures_are_padded_or_cropped_in_siglips_colours(folders):
    """A white image twice as wide as high: grey above and below it (127 of 255, int(0.5 * 255)), or none."""
    image = Image.new("RGB", (2 * SIDE, SIDE), (255, 255, 255))
    pixels = {}
    for aspect, folder in folders[1].items():
        processor = AutoProcessor.from_pretrained(folder).image_processor
        assert list(processor.image_mean) == list(processor.image_std) == [0.5, 0.5, 0.5]
        pixels[aspect] = processor(image, return_tensors="pt")["pixel_values"][0]
        assert pixels[aspect].shape == (3, SIDE, SIDE)
    assert torch.allclose(pixels["square"], torch.ones(3, SIDE, SIDE))
    assert torch.allclose(pixels["pad"][:, SIDE // 2], torch.ones(3, SIDE))
    assert torch.allclose(pixels["pad"][:, 0], torch.full((3, SIDE), 127 / 255 * 2 - 1))
