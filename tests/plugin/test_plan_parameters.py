"""Parameters of the paper's sizes, against transformers' and PEFT's own count on the meta device."""

from __future__ import annotations

import json

import pytest
import torch
from axolotl.utils.dict import DictDefault
from peft import LoraConfig, inject_adapter_in_model
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.families import LORA_TARGETS
from bimedix2_plugin.plan import model_sizes, parameters

CLIP, SIGLIP = "openai/clip-vit-large-patch14-336", "google/siglip-so400m-patch14-384"
# Totals on the models' Hub pages.
PUBLISHED_TOTALS = {
    "meta-llama/Llama-3.1-8B-Instruct": 8_030_261_248,
    "meta-llama/Llama-3.1-70B-Instruct": 70_553_706_496,
    "microsoft/Phi-3.5-mini-instruct": 3_821_079_552,
    "Qwen/Qwen3-8B": 8_190_735_360,
    "mistralai/Mistral-7B-Instruct-v0.3": 7_248_023_552,
    "google/gemma-2-9b-it": 9_241_705_984,
    "google/gemma-3-1b-it": 999_885_952,
}


def _recipe(base, tower=CLIP, **keys):
    return DictDefault({"base_model": base, "vision_tower": tower, "adapter": "lora", "lora_r": 8} | keys)


def _counted(cfg, folder):
    return parameters.count(model_sizes.read_models(cfg, folder).whole(cfg, folder).config, cfg)


@pytest.mark.parametrize("base", PUBLISHED_TOTALS)
def test_a_base_counts_as_published_and_as_transformers_counts(base, tmp_path):
    counted = _counted(_recipe(base), tmp_path).parts
    total = sum(counted.get(part, 0) for part in (parameters.LANGUAGE, parameters.EMBEDDINGS, parameters.HEAD))
    assert total == PUBLISHED_TOTALS[base]
    with torch.device("meta"):
        own = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(tmp_path / base.replace("/", "--")))
    assert total == own.num_parameters()


@pytest.mark.parametrize("base", list(PUBLISHED_TOTALS)[:3])
def test_lora_and_projector_of_4b_8b_and_70b_count_as_peft_counts(base, tmp_path):
    counted = _counted(_recipe(base), tmp_path)
    model = parameters.meta_model(counted.config)
    inject_adapter_in_model(LoraConfig(r=8, target_modules=LORA_TARGETS), model)
    lora = sum(parameter.numel() for name, parameter in model.named_parameters() if ".lora_" in name)
    projector = sum(parameter.numel() for parameter in model.model.multi_modal_projector.parameters())
    assert counted.parts[parameters.LORA] == lora > 0
    assert counted.parts[parameters.PROJECTOR] == projector
    assert counted.trained == lora + projector
    assert counted.frozen + counted.trained == model.num_parameters()


@pytest.mark.parametrize("tower", [CLIP, SIGLIP])
def test_a_tower_counts_as_transformers_counts(tower, tmp_path):
    counted = _counted(_recipe("microsoft/Phi-3.5-mini-instruct", tower), tmp_path)
    with torch.device("meta"):
        own = AutoModel.from_config(AutoConfig.from_pretrained(tmp_path / tower.replace("/", "--")))
    assert counted.parts[parameters.TOWER] == own.num_parameters()


def test_targets_by_name_are_those_of_peft(tmp_path):
    cfg = _recipe("microsoft/Phi-3.5-mini-instruct", lora_target_modules=["o_proj"])
    counted = _counted(cfg, tmp_path)
    assert counted.parts[parameters.LORA] == 32 * 8 * (3072 + 3072)


def test_stage_align_trains_the_projector_alone(tmp_path):
    counted = _counted(_recipe("microsoft/Phi-3.5-mini-instruct", adapter=None, stage="align"), tmp_path)
    assert counted.trainable == (parameters.PROJECTOR,) and parameters.LORA not in counted.parts
    assert counted.trained == 1024 * 3072 + 3072 + 3072 * 3072 + 3072


def test_a_folder_on_this_disk_comes_before_the_published_sizes(parts, tmp_path):
    found = model_sizes.find("base_model", str(parts / "llama"), None, tmp_path)
    assert found.folder == parts / "llama" and not list(tmp_path.iterdir())


def test_an_unknown_model_names_the_known_ones_and_the_way_out(tmp_path):
    with pytest.raises(
        RecipeError, match=r"base_model: org/new .*microsoft/Phi-3.5.* `hf download org/new config.json`"
    ):
        model_sizes.find("base_model", "org/new", None, tmp_path)


def test_a_model_in_the_hubs_cache_is_read_there(tmp_path, monkeypatch):
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps({"model_type": "llama"}))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: str(snapshot / "config.json"))
    found = model_sizes.find("base_model", "org/new", None, tmp_path)
    assert (found.folder, found.revision) == (snapshot, "abc")
