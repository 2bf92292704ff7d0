"""Merging tensor by tensor: the standard names, the adapter's numbers, for each family and each tower."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge import axolotl_merge, writing
from bimedix2_plugin.rehearse import tiny, tiny_families
from tests.helpers import adapters

# Names in the llava-hf repositories; there is none there with DINOv2.
PROJECTOR = {f"multi_modal_projector.linear_{n}.{part}" for n in (1, 2) for part in ("weight", "bias")}
PATCHES = {
    "clip_vision": "vision_tower.vision_model.embeddings.patch_embedding.weight",
    "clip_whole": "vision_tower.vision_model.embeddings.patch_embedding.weight",
    "siglip_whole": "vision_tower.vision_model.embeddings.patch_embedding.weight",
    "dinov2": "vision_tower.encoder.layer.0.attention.attention.query.weight",
}
EMBEDDINGS, NORM = "language_model.model.embed_tokens.weight", "language_model.model.norm.weight"
HEAD = "language_model.lm_head.weight"


def _stored(folder: Path) -> dict[str, Any]:
    return {name: value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()}


def _reloaded(folder: Path, **choices: Any) -> Any:
    options = {"dtype": torch.float32, "attn_implementation": "eager", **choices}
    model, report = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True, **options)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    return model.eval()


def _logits(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs, use_cache=False).logits


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """A composed model of an untied Llama with CLIP, and `adapter` beside it."""
    work = tmp_path_factory.mktemp("plain")
    folder = adapters.composed(tiny.llama(work / "llama", tied=False), tiny.clip_vision(work / "clip"))
    adapters.with_adapter(folder, work / "adapter")
    (work / "folder").symlink_to(folder)
    return work


@pytest.mark.parametrize("tower", PATCHES)
def test_each_tower_has_the_names_that_other_programs_read(tower, tmp_path):
    base = tiny.llama(tmp_path / "llama", tied=tower == "dinov2")
    folder = adapters.composed(base, getattr(tiny, tower)(tmp_path / "tower"))
    model = adapters.with_adapter(folder, tmp_path / "adapter")
    merged = adapters.merge(folder, tmp_path / "adapter", tmp_path / "merged")
    names = set(_stored(merged))
    assert names >= {PATCHES[tower], EMBEDDINGS, NORM, *PROJECTOR}
    assert (HEAD in names) == (tower != "dinov2")
    assert {name.split(".")[0] for name in names} == {"language_model", "vision_tower", "multi_modal_projector"}
    inputs = adapters.question(model)
    assert float((_logits(_reloaded(merged), inputs) - _logits(model, inputs)).abs().max()) < 1e-4


@pytest.mark.parametrize("family", ["phi3", "gemma2", "mistral_v1"])
def test_other_families_give_the_adapters_logits(family, tmp_path):
    """Phi-3 has fused projections; version 1 of Mistral has no spare row: its vocabulary has one more."""
    base = tiny_families.base(tmp_path / "base", family)
    rows = json.loads((base / "config.json").read_text())["vocab_size"]
    folder = adapters.composed(base, tiny.clip_vision(tmp_path / "clip"))
    model = adapters.with_adapter(folder, tmp_path / "adapter")
    merged = adapters.merge(folder, tmp_path / "adapter", tmp_path / "merged")
    assert len(_stored(merged)[EMBEDDINGS]) == rows + (family == "mistral_v1")
    inputs = adapters.question(model)
    ours, theirs = _logits(_reloaded(merged), inputs), _logits(model, inputs)
    assert ours.shape[-1] == rows + (family == "mistral_v1")
    assert float((ours - theirs).abs().max()) < 1e-4
    assert float((_logits(model.get_base_model(), inputs) - theirs).abs().max()) < 1e-6, "no adapter is on"


@pytest.mark.parametrize(
    "changes",
    [
        {"use_rslora": True},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"layers.1.mlp.up_proj": 32}},
        {"target_modules": ["q_proj", "down_proj"], "exclude_modules": r".*vision_tower.*"},
    ],
)
def test_peft_settings_of_plain_lora_are_followed(plain, tmp_path, changes):
    model = adapters.with_adapter(plain / "folder", tmp_path / "adapter", **changes)
    merged = _reloaded(adapters.merge(plain / "folder", tmp_path / "adapter", tmp_path / "merged"))
    inputs = adapters.question(model)
    assert float((_logits(merged, inputs) - _logits(model, inputs)).abs().max()) < 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_dora": True}, "use_dora: only plain LoRA can be merged"),
        ({"init_lora_weights": "olora"}, "init_lora_weights: only plain LoRA"),
        ({"lora_bias": True}, "lora_bias: only plain LoRA"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "embed"),
    ],
)
def test_what_is_not_plain_lora_is_refused(plain, tmp_path, changes, message):
    adapters.with_adapter(plain / "folder", tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config | changes))
    if message == "embed":
        file = tmp_path / "adapter" / "adapter_model.safetensors"
        left = {"base_model.model.model.language_model.embed_tokens.lora_embedding_A": torch.ones(4, 4)}
        save_file(load_file(file) | left, file)
    with pytest.raises(RecipeError, match=message):
        adapters.merge(plain / "folder", tmp_path / "adapter", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_bf16_base_gives_bf16_throughout_rounded_once(tmp_path):
    from transformers import LlamaForCausalLM

    base = tiny.llama(tmp_path / "llama", tied=True)
    LlamaForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(base)
    folder = adapters.composed(base, tiny.clip_vision(tmp_path / "clip"))
    model = adapters.with_adapter(folder, tmp_path / "adapter")
    merged = adapters.merge(folder, tmp_path / "adapter", tmp_path / "merged")
    stored = _stored(merged)
    assert {value.dtype for value in stored.values()} == {torch.bfloat16}
    config = json.loads((merged / "config.json").read_text())
    assert {config["dtype"], config["text_config"]["dtype"], config["vision_config"]["dtype"]} == {"bfloat16"}
    assert _reloaded(merged, dtype="auto").dtype == torch.bfloat16
    exact = model.merge_and_unload().state_dict()["model.language_model.layers.1.mlp.down_proj.weight"]
    got = stored["language_model.model.layers.1.mlp.down_proj.weight"]
    assert float((got.float() - exact).abs().max()) <= float(exact.abs().max()) * 2**-8


def _pieces(folder: Path) -> Iterator[tuple[str, set[str]]]:
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            yield file.name, set(opened.keys())


def test_shards_are_bounded_and_indexed(plain, tmp_path, monkeypatch):
    limit = 40_000
    monkeypatch.setattr(writing, "SHARD_BYTES", limit)
    whole = tmp_path / "merged" / "model.safetensors"
    whole.parent.mkdir()
    whole.write_bytes(b"of an earlier merge, which transformers would read first")
    merged = adapters.merge(plain / "folder", plain / "adapter", tmp_path / "merged")
    pieces = dict(_pieces(merged))
    index = json.loads((merged / "model.safetensors.index.json").read_text())
    assert len(pieces) > 5 and index["weight_map"] == {name: file for file, names in pieces.items() for name in names}
    for file, names in pieces.items():
        assert len(names) == 1 or (merged / file).stat().st_size < limit + 10_000, file
    assert index["metadata"]["total_size"] == sum(v.nbytes for v in _stored(merged).values())
    assert not list(tmp_path.glob("*merged.weights*"))
    _reloaded(merged)


def test_a_merge_that_stops_leaves_nothing_that_looks_complete_and_is_begun_again(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARD_BYTES", 40_000)
    folder, adapter, out = plain / "folder", plain / "adapter", tmp_path / "merged"
    adapters.merge(folder, adapter, out)
    before = _stored(out)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for place in ("tqdm.update", "finish"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(writing.tqdm if place == "tqdm.update" else axolotl_merge.writing, place.split(".")[-1], stop)
            adapters.merge(folder, adapter, out)
        assert not (out / "composition.json").exists()
        with pytest.raises(OSError, match=r"model\.safetensors"):
            LlavaForConditionalGeneration.from_pretrained(out)
    adapters.merge(folder, adapter, out)
    after = _stored(out)
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    _reloaded(out)


def test_too_little_room_is_told_before_anything_is_removed(plain, tmp_path, monkeypatch):
    out = adapters.merge(plain / "folder", plain / "adapter", tmp_path / "merged")
    usage = writing.shutil.disk_usage(out)._replace(free=10)
    with monkeypatch.context() as patch:
        patch.setattr(writing.shutil, "disk_usage", lambda _: usage)
        adapters.merge(plain / "folder", plain / "adapter", out)  # what it replaces makes room
        with pytest.raises(RecipeError, match=r"the checkpoint takes 0\.0 GB, 0\.0 GB are free.*--output-dir"):
            writing.begin(out, 10**7)
    _reloaded(out)
    assert (out / "composition.json").is_file()


def test_an_adapter_of_another_revision_is_refused(plain, tmp_path):
    adapters.with_adapter(plain / "folder", tmp_path / "adapter")
    parts = json.loads((plain / "folder" / "composition.json").read_text())
    parts["base"]["revision"] = "abc123"
    (tmp_path / "adapter" / "composition.json").write_text(json.dumps(parts))
    with pytest.raises(RecipeError, match=r"revision_of_model: .*at abc123, here it is local.*Set revision_of_model"):
        adapters.merge(plain / "folder", tmp_path / "adapter", tmp_path / "merged")


def test_a_tensor_that_no_file_holds_is_named(plain, tmp_path):
    import shutil

    folder = tmp_path / "composed"
    shutil.copytree(plain / "folder", folder, symlinks=True)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"].pop("model.layers.0.self_attn.q_proj.weight")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RecipeError, match=r"1 tensors of the model are in no file .*layers\.0\.self_attn\.q_proj"):
        adapters.merge(folder, plain / "adapter", tmp_path / "merged")
