"""How `axolotl merge-lora` comes to merge tensor by tensor.

Axolotl's shard-by-shard merge finds 2 of 98 tensors of a LLaVA adapter and exits with 0. Its other way loads the
model, the adapter, merges and saves; here that model is on the meta device, without weights, the adapter is one that
this plugin loads, and saving is what reads, merges and writes.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axolotl.utils.dict import DictDefault
from axolotl.utils.logging import get_logger

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge import writing
from bimedix2_plugin.merge.lora import read_adapter
from bimedix2_plugin.merge.weights import base_dtype, weights_of
from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.model.safetensors_index import read_shards

if TYPE_CHECKING:
    import torch

Value = Callable[[str, "torch.Tensor"], "torch.Tensor"]
LOG = get_logger(f"axolotl.{__name__}")
ADAPTER = "bimedix2_merge"  # stands for `lora` or `qlora` in a merge, so that Axolotl asks this plugin to load it


def take_over(cfg: DictDefault) -> None:
    """Set up a configuration so that `axolotl merge-lora` loads no weight."""
    cfg.device_map, cfg.max_memory, cfg.gpu_memory_limit = "meta", None, None
    cfg.adapter = ADAPTER


def attach(model: Any, cfg: DictDefault) -> Any:
    """Give a model without weights the adapter: merging returns the model, saving writes the merged checkpoint.

    Raises:
        RecipeError: the adapter is not whole, or not of this base and tower. Nothing is written then.
    """
    composed = Path(cfg.base_model)
    _check_parts(Path(cfg.lora_model_dir), composed)
    adapter = read_adapter(cfg.lora_model_dir, model)
    weights_of(read_shards("base_model", composed), model)  # what is missing is told before anything is written

    def save(model: Any, save_directory: str | Path, **_: Any) -> None:
        dtype = write_weights(Path(save_directory), composed, model, adapter.merged)
        LOG.info("merged %d LoRA modules and the projector into %s, %s", len(adapter.targets), save_directory, dtype)

    model.merge_and_unload = types.MethodType(lambda model, **_: model, model)
    model.save_pretrained = types.MethodType(save, model)
    return model


def write_weights(folder: Path, composed: Path, model: Any, value: Value) -> torch.dtype:
    """Write configuration and weights of a checkpoint in the base's type, and return that.

    Args:
        folder: the checkpoint's.
        composed: the composed model's.
        model: the LLaVA model, on any device; its weights are not read.
        value: makes the checkpoint's tensor of the model's name for it and the composed model's tensor.
    """
    shards = read_shards("base_model", composed)
    weights, dtype = weights_of(shards, model), base_dtype(shards)
    writing.begin(folder, sum(weight.elements for weight in weights) * dtype.itemsize)
    for config in (model.config, model.config.text_config, model.config.vision_config):
        config.dtype = dtype
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    writing.write(folder, weights, lambda weight: value(weight.in_model, shards.tensor(weight.stored)), dtype)
    return dtype


def finish(composed: str | Path, folder: str | Path) -> None:
    """Complete a merged checkpoint, once its configuration, tokenizer and processor are there.

    Args:
        composed: the composed model's folder.
        folder: the checkpoint's.
    """
    path = Path(folder) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["text_config"]["use_cache"] = True  # Axolotl sets it for the outer configuration alone
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    writing.finish(Path(folder), _parts(Path(composed)))


def _parts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / COMPOSITION).read_text(encoding="utf-8"))


def _check_parts(adapter: Path, composed: Path) -> None:
    """Compare the Hub's revisions that an adapter was trained on with those of the composed model."""
    if not (adapter / COMPOSITION).is_file():
        return
    trained, here = _parts(adapter), _parts(composed)
    keys = {"base": "revision_of_model", "tower": "vision_tower_revision"}
    problems = [
        f"{key}: {adapter} was trained on {trained[part]['name']} at {trained[part]['revision']}, here it is "
        f"{here[part]['revision']}. Set {key}: {trained[part]['revision']}."
        for part, key in keys.items()
        if trained[part]["name"] == here[part]["name"] and trained[part]["revision"] != here[part]["revision"]
    ]
    if problems:
        raise RecipeError(problems)
