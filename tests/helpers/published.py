"""The files that a push reads, with invented content: a merged checkpoint, its recipe, a manifest, scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file

TENSORS = (
    "language_model.model.norm.weight",
    "vision_tower.vision_model.embeddings.class_embedding",
    "multi_modal_projector.linear_1.bias",
)
LLAMA = {"name": "meta-llama/Llama-3.1-8B-Instruct", "revision": "0e9e39f"}
CLIP = {"name": "openai/clip-vit-large-patch14-336", "revision": "ce19dc9"}
SOURCES = [
    {"name": "vqa_rad", "version": "1", "licence": "CC0-1.0", "redistribute": True},
    {"name": "mimic_cxr", "version": "2.0.0", "licence": "PhysioNet | <b>1.5</b>", "redistribute": False},
]


LLAVA = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava"}
QWEN = {"architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl"}


def native(folder: Path, base: dict[str, str]) -> Path:
    """Write the same for a base that saw before it was trained."""
    checkpoint(folder, base, tensors=("model.visual.merger.norm.weight",), config=QWEN)
    parts = {"base": base, "projector": {"init_from": None}}
    (folder / "composition.json").write_text(json.dumps(parts), encoding="utf-8")
    return folder


def checkpoint(
    folder: Path,
    base: dict[str, str] = LLAMA,
    tower: dict[str, str] = CLIP,
    stage1: Path | None = None,
    *,
    tensors: tuple[str, ...] = TENSORS,
    config: dict[str, Any] = LLAVA,
) -> Path:
    """Write a folder with all files of a complete merged checkpoint, in a few bytes."""
    folder.mkdir(parents=True)
    save_file({name: torch.zeros(2) for name in tensors}, folder / "model.safetensors")
    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "processor_config.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    (folder / "debug.log").write_text("not to be published", encoding="utf-8")
    parts = {"base": base, "tower": tower, "projector": {"kind": "mlp2x_gelu"}}
    if stage1:
        parts["projector"]["init_from"] = str(stage1)
    (folder / "composition.json").write_text(json.dumps(parts), encoding="utf-8")
    return folder


def recipe(work: Path, **changes: Any) -> Path:
    """Write a recipe that holds a secret, its dataset's manifest, and its merged checkpoint."""
    (work / "data").mkdir(parents=True)
    manifest = {"name": "data", "written": 1200, "sources": SOURCES, "counts": {"language": {"ar": 500, "en": 700}}}
    (work / "data" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    checkpoint(work / "out" / "merged", stage1=stage_1(work))
    left = {"stage": "instruct", "hyperparameters": {"lora_r": 8, "ranks": 4}}
    (work / "out" / "finished.json").write_text(json.dumps(left), encoding="utf-8")
    content = {
        "datasets": [{"path": str(work / "data")}, {"path": str(work / "gone")}],
        "output_dir": str(work / "out"),
        "lora_r": 8,
        "learning_rate": 2e-4,
        "projector": {"kind": "mlp2x_gelu", "learning_rate": 2e-5},
        "wandb_project": "secret-project",
        "hub_token": "hf_in_the_recipe",
    }
    (work / "recipe.yml").write_text(yaml.safe_dump(content | changes), encoding="utf-8")
    return work / "recipe.yml"


def stage_1(work: Path) -> Path:
    """Write a finished stage 1's `finished.json`, and the manifest of its data."""
    (work / "align").mkdir()
    source = {"name": "llava_med", "version": "1", "licence": "CC BY-NC 4.0", "redistribute": False}
    manifest = {"name": "align", "written": 467, "sources": [source], "counts": {"language": {"en": 467}}}
    (work / "align" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (work / "stage1").mkdir()
    left = {"stage": "align", "datasets": [str(work / "align")], "hyperparameters": {"learning_rate": 1e-3}}
    (work / "stage1" / "finished.json").write_text(json.dumps(left), encoding="utf-8")
    return work / "stage1"


def scores(folder: Path) -> Path:
    """Write scores.json: one overall, one by language, one of a finer subgroup, one that could not be computed."""
    line = {"name": "vqa_rad", "metric": "exact", "value": 0.625, "n": 40, "unscored": 1}
    line |= {"stderr": 0.0775, "interval": [0.471, 0.757], "asked": "40 of 451", "images": ""}
    lines = [
        line | {"subgroup": {}, "unit": "fraction"},
        line | {"subgroup": {"language": "ar"}, "value": 7.25, "unit": "score", "interval": None, "asked": ""},
        line | {"subgroup": {"language": "ar", "task": "closed"}, "value": 0.111},
        line | {"subgroup": {}, "value": None, "metric": "RadGraph"},
    ]
    folder.mkdir()
    (folder / "scores.json").write_text(json.dumps(lines), encoding="utf-8")
    return folder
