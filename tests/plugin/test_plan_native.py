"""A plan of a base that already sees: parameters as transformers counts, images by their size, operations as torch."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from axolotl.utils.dict import DictDefault
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from peft import LoraConfig, inject_adapter_in_model
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForImageTextToText

from bimedix2_plugin import cli
from bimedix2_plugin.model.vision_language.registry import is_projector, of_folder
from bimedix2_plugin.plan.flops import Load, batch_operations
from bimedix2_plugin.plan.model_sizes import read_models
from bimedix2_plugin.plan.parameters import LORA, PROJECTOR, TOWER, count, meta_model
from bimedix2_plugin.rehearse.tiny_native import MAKERS, native
from data_prep.images.store import open_store
from tests.helpers import runs

RECIPES = Path(__file__).parents[2] / "recipes" / "native"
# Totals on the models' Hub pages (model.safetensors.index.json, bytes of bf16 halved).
PUBLISHED_TOTALS = {
    "llava_finished": 7_063_427_072,
    "medgemma_4b": 4_300_079_472,
    "qwen2_5_vl_7b": 8_292_166_656,
    "qwen3_vl_8b": 8_767_123_696,
}
SIZES = [(40, 24), (21, 60), (300, 200)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("plan")
    return {name: native(root / name, name) for name in MAKERS}


@pytest.mark.parametrize("name", PUBLISHED_TOTALS)
def test_full_size_models_count_as_published_and_as_transformers_counts(name, tmp_path):
    recipe = DictDefault(yaml.safe_load((RECIPES / f"{name}.yml").read_text(encoding="utf-8")))
    counted = count(read_models(recipe, tmp_path).whole(recipe, tmp_path).config, recipe)
    assert sum(counted.parts.values()) - counted.parts[LORA] == PUBLISHED_TOTALS[name]
    with torch.device("meta"):
        own = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(tmp_path / "whole"))
    assert own.num_parameters() == PUBLISHED_TOTALS[name]
    projector = {name: value for name, value in own.named_parameters() if is_projector(name)}
    assert counted.parts[PROJECTOR] == sum(value.numel() for value in projector.values())
    inject_adapter_in_model(LoraConfig(r=8, target_modules=counted.kind.LORA_TARGETS), own)
    lora = {name: value for name, value in own.named_parameters() if ".lora_" in name}
    assert counted.parts[LORA] == sum(value.numel() for value in lora.values()) > 0
    assert counted.trained == counted.parts[PROJECTOR] + counted.parts[LORA]


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_images_take_what_the_model_gets(folders, name):
    model = of_folder(folders[name])
    for size in SIZES:
        tensors, sizes = model.pixels(Image.new("RGB", size)), model.encoded(*size)
        assert sizes.values == tensors["pixel_values"].numel()
        assert sizes.placeholders == model.image_tokens(*size)
        if "image_grid_thw" in tensors:
            assert sizes.patches == int(tensors["image_grid_thw"].prod()) == len(tensors["pixel_values"])


@settings(max_examples=50, deadline=None)
@given(across=st.integers(1, 16), down=st.integers(1, 16))
@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_an_image_of_whole_squares_takes_a_token_for_each(folders, name, across, down):
    """Between the processor's 4 and 64 tokens, of 8 x 8 pixels and 4 patches each."""
    assume(4 <= across * down <= 64)
    sizes = of_folder(folders[name]).encoded(8 * across, 8 * down)
    assert (sizes.placeholders, sizes.patches) == (across * down, 4 * across * down)
    whole = {"qwen2_5_vl": 1, "qwen3_vl": 2}[name]  # layers that attend to the whole image, of 2
    window = min(16, sizes.patches)
    assert sizes.pairs == sizes.patches * (whole * sizes.patches + (2 - whole) * window)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_operations_of_tower_and_projector_are_those_that_torch_counts(folders, name):
    model = of_folder(folders[name])
    pixels = model.pixels(Image.new("RGB", (64, 48)))
    config = AutoConfig.from_pretrained(folders[name])
    config.vision_config.vision_use_head = False  # as MedGemma's; SigLIP's pooling head is not counted
    whole = AutoModelForImageTextToText.from_pretrained(folders[name], config=config, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        whole.model.get_image_features(**pixels)
    parameters, sizes = count(model.config, DictDefault(adapter="lora")), model.encoded(64, 48)
    work = batch_operations(parameters, DictDefault(), Load(0, 0, sizes, 0))
    assert work[TOWER].backward == 0 < work[PROJECTOR].backward
    assert work[TOWER].total + work[PROJECTOR].forward == pytest.approx(counter.get_total_flops(), rel=0.1)


def test_gradients_of_a_projector_flow_to_its_norm_and_no_further(folders):
    """LLaVA's first matrix has nothing trained below it; the others' projectors begin with a norm."""
    for name, folder in folders.items():
        parameters = count(of_folder(folder).config, DictDefault())
        work = batch_operations(parameters, DictDefault(), Load(0, 0, of_folder(folder).encoded(40, 40), 0))[PROJECTOR]
        assert (work.backward == 2 * work.forward) == (name != "llava")


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_tiny_model_counts_as_it_is(folders, name):
    whole = AutoModelForImageTextToText.from_pretrained(folders[name])
    parameters = count(of_folder(folders[name]).config, DictDefault())
    assert sum(parameters.parts.values()) == whole.num_parameters() == meta_model(whole.config).num_parameters()


def _plan(recipe, *arguments):
    result = CliRunner().invoke(cli.plan, [str(recipe), "--json", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_without_data_the_assumed_image_size_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    qwen, gemma = (_plan(RECIPES / f"{name}.yml") for name in ("qwen3_vl_8b", "medgemma_4b"))
    assert "every image has 512 x 512 pixels, 256 tokens: the image store is not here" in qwen["assumptions"]
    assert not any("512" in text for text in gemma["assumptions"])
    assert qwen["disk"]["weights to download"] == 2 * PUBLISHED_TOTALS["qwen3_vl_8b"]


def test_with_data_each_image_takes_the_tokens_of_its_size(work, folders):
    """The store's images of 20 to 60 pixels, between 4 and 64 placeholders each."""
    changes = {"vision_tower": None, "image_aspect": None, "base_model": str(folders["qwen3_vl"])}
    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)), encoding="utf-8")
    plan = _plan("recipe.yml")
    assert plan["data"]["source"] == "./data: 24 of 24 rows tokenized" and not plan["data"]["assumed"]
    store, model = open_store("data/images"), of_folder(folders["qwen3_vl"])
    shards = sorted(Path("data").glob("train-*.parquet"))
    keys = [key for shard in shards for row in pq.read_table(shard).to_pylist() for key in row["images"]]
    expected = sum(model.image_tokens(*store.size(key)) for key in keys)
    assert sum(kind["image tokens"] for kind in plan["data"]["kinds"].values()) == expected
    assert len({model.image_tokens(*store.size(key)) for key in keys}) > 1
    limited = runs.recipe(**changes, processor_kwargs={"max_pixels": 4 * 8**2})
    Path("recipe.yml").write_text(yaml.safe_dump(limited), encoding="utf-8")
    fewer = _plan("recipe.yml")["data"]["kinds"]
    assert sum(kind["image tokens"] for kind in fewer.values()) <= 4 * len(keys)
