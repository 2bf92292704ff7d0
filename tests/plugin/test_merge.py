"""Merged equals adapter; an adapter that does not arrive whole is not merged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from axolotl.cli.merge_lora import do_cli as merge_lora
from axolotl.cli.utils import load_model_and_tokenizer
from safetensors.torch import load_file, save_file

from bimedix2_plugin.errors import RecipeError
from tests.helpers import runs

PLAIN = """
import sys, torch
from transformers import AutoProcessor, LlavaForConditionalGeneration
folder, batch, out = sys.argv[1:]
model, report = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"], report
AutoProcessor.from_pretrained(folder)
with torch.no_grad():
    logits = model.eval()(**torch.load(batch)).logits
torch.save(logits, out)
assert not any(name.startswith(("bimedix2_plugin", "axolotl")) for name in sys.modules), "not a plain process"
"""


@pytest.fixture(scope="module")
def trained(workshop):
    """A LoRA and a projector, trained for real, and the recipe they came from."""
    import yaml

    changes = {"num_epochs": 2, "learning_rate": 1e-2, "projector": {"learning_rate": 1e-2}, "save_strategy": "epoch"}
    trainer = runs.train(**changes)
    (workshop / "recipe.yml").write_text(yaml.safe_dump(runs.recipe(**changes)))
    row = next(row for row in trainer.train_dataset if row["images"])
    batch = trainer.data_collator([row])
    torch.save({key: batch[key] for key in ("input_ids", "pixel_values")}, "batch.pt")
    return workshop


def _adapter_logits():
    cfg = runs.configuration(lora_model_dir="./out", inference=True)
    model, *_ = load_model_and_tokenizer(cfg=cfg, inference=True)
    with torch.no_grad():
        return model.eval()(**torch.load("batch.pt")).logits


def test_merged_checkpoint_equals_adapter_in_a_plain_process(trained):
    merge_lora("recipe.yml", lora_model_dir="./out")
    command = [sys.executable, "-c", PLAIN, "out/merged", "batch.pt", "logits.pt"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    merged, adapter = torch.load("logits.pt"), _adapter_logits()
    base = _base_logits()
    assert float((merged - adapter).abs().max()) < 1e-4
    assert float((merged - base).abs().max()) > 1e-2


def _base_logits():
    from bimedix2_plugin.model.compose import load

    folder = runs.configuration().base_model
    with torch.no_grad():
        return load(folder, dtype=torch.float32).eval()(**torch.load("batch.pt")).logits


def test_merged_checkpoint_says_what_it_is_made_of_and_uses_its_cache(trained):
    merge_lora("recipe.yml", lora_model_dir="./out")
    assert json.loads(Path("out/merged/config.json").read_text())["text_config"]["use_cache"] is True
    assert "placeholder" in json.loads(Path("out/merged/composition.json").read_text())


def test_every_checkpoint_says_what_it_is_made_of(trained):
    checkpoints = sorted(Path("out").glob("checkpoint-*"))
    assert len(checkpoints) == 2
    for folder in (Path("out"), *checkpoints):
        parts = json.loads((folder / "composition.json").read_text())
        assert parts["base"]["config"]["model_type"] == "llama" and parts["base"]["revision"] == "local"
        assert parts["tower"]["config"]["model_type"] == "clip_vision_model"
        assert parts["projector"]["kind"] == "mlp2x_gelu"


def _drop(tensors):
    tensors.pop(next(name for name in tensors if "lora_B" in name))


def _rename(tensors):
    name = next(name for name in tensors if "projector" in name)
    tensors[name.replace("linear_", "linear_9")] = tensors.pop(name)


def _reshape(tensors):
    name = next(name for name in tensors if "lora_A" in name)
    tensors[name] = tensors[name][:-1].clone()


def _drop_pair(tensors):
    first = next(name for name in tensors if "lora_B" in name)
    for name in (first, first.replace("lora_B", "lora_A")):
        tensors.pop(name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_drop, "1 LoRA tensors are missing, first .*lora_B"),
        (_drop_pair, "lacks 2 tensors that the model expects"),
        (_rename, "3 of the projector's 4 tensors"),
        (_reshape, r"1 tensors have another shape, first .*lora_A\.weight is \[3, 128\], expected \[4, 128\]"),
    ],
)
def test_an_adapter_that_is_not_whole_is_refused(trained, tmp_path, spoil, message):
    folder = tmp_path / "adapter"
    shutil.copytree("out", folder, ignore=shutil.ignore_patterns("merged"))
    tensors = load_file(folder / "adapter_model.safetensors")
    spoil(tensors)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises((RecipeError, RuntimeError), match=message):
        merge_lora("recipe.yml", lora_model_dir=str(folder), output_dir=str(tmp_path / "new"))
    assert not (tmp_path / "new" / "merged").exists()


def test_a_corrupt_adapter_is_named(trained, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree("out", folder, ignore=shutil.ignore_patterns("merged"))
    (folder / "adapter_model.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(RecipeError, match=r"adapter_model\.safetensors: not a readable safetensors"):
        merge_lora("recipe.yml", lora_model_dir=str(folder), output_dir=str(tmp_path / "new"))
