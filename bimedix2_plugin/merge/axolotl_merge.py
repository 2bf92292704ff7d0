"""Makes `axolotl merge-lora` merge tensor by tensor.

Axolotl's shard-by-shard merge finds only 2 of 98 tensors of a LLaVA adapter and exits with 0. Its `legacy` method loads
the model and the adapter, merges and saves. Here that model is on the meta device, without weights; the plugin loads
the adapter; and `save_pretrained` reads, merges and writes each tensor.
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
from bimedix2_plugin.merge.tensors import base_dtype, weights_of
from bimedix2_plugin.model.compose import COMPOSITION
from bimedix2_plugin.model.safetensors_index import read_shards

if TYPE_CHECKING:
    import torch

from bimedix2_plugin import recipe

Value = Callable[[str, "torch.Tensor"], "torch.Tensor"]
LOG = get_logger(f"axolotl.{__name__}")
ADAPTER = "bimedix2_merge"  # replaces `lora` or `qlora` in a merge, so that Axolotl asks the plugin to load it


def configure(cfg: DictDefault) -> None:
    """Change a configuration so that `axolotl merge-lora` loads no weights."""
    cfg.device_map, cfg.max_memory, cfg.gpu_memory_limit = "meta", None, None
    cfg.adapter = ADAPTER


def attach(model: Any, cfg: DictDefault) -> Any:
    """Attach the adapter to a model without weights: its `save_pretrained` then writes the merged checkpoint.

    Raises:
        RecipeError: the adapter is incomplete, or of another base or tower. Nothing is written.
    """
    composed = Path(cfg.base_model)
    _check_parts(Path(cfg.lora_model_dir), composed)
    adapter = read_adapter(cfg.lora_model_dir, model)
    names = {weight.in_model for weight in weights_of(read_shards("base_model", composed), model)}
    lost = [module for module in adapter.targets if f"{module}.weight" not in names]
    if lost:
        raise RecipeError(f"base_model: no tensor of {composed} is the weight of {min(lost)}, which has a LoRA.")

    def save(model: Any, save_directory: str | Path, **_: Any) -> None:
        dtype = write_weights(Path(save_directory), composed, model, adapter.merged)
        LOG.info("merged %d LoRA modules and the projector into %s, %s", len(adapter.targets), save_directory, dtype)

    model.merge_and_unload = types.MethodType(lambda model, **_: model, model)
    model.save_pretrained = types.MethodType(save, model)
    return model


def write_weights(folder: Path, composed: Path, model: Any, value: Value) -> torch.dtype:
    """Write a checkpoint's configuration and weights in the base's dtype; return that dtype.

    Args:
        folder: the checkpoint's.
        composed: the composed model's.
        model: the vision-language model, on any device; its weights are not read.
        value: returns the checkpoint's tensor, given its name in the model and the composed model's tensor.
    """
    shards = read_shards("base_model", composed)
    weights, dtype = weights_of(shards, model), base_dtype(shards)
    writing.begin(folder, sum(weight.elements for weight in weights) * dtype.itemsize)
    save_configuration(folder, model, dtype)
    writing.write(folder, weights, lambda weight: value(weight.in_model, shards.tensor(weight.stored)), dtype)
    return dtype


def save_configuration(folder: Path, model: Any, dtype: torch.dtype) -> None:
    """Write a checkpoint's configurations, with the type of its weights."""
    for config in (model.config, model.config.text_config, model.config.vision_config):
        config.dtype = dtype
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)


def finish(composed: str | Path, folder: str | Path) -> None:
    """Complete a merged checkpoint after its configuration, tokenizer and processor have been written.

    Args:
        composed: the composed model's folder.
        folder: the checkpoint's.
    """
    path = Path(folder) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["text_config"]["use_cache"] = True  # Axolotl sets it in the outer configuration only
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    writing.finish(Path(folder), _parts(Path(composed)))


def _parts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / COMPOSITION).read_text(encoding="utf-8"))


def _check_parts(adapter: Path, composed: Path) -> None:
    """Check that the composed model has the Hub revisions that the adapter was trained on."""
    if not (adapter / COMPOSITION).is_file():
        return
    trained, here = _parts(adapter), _parts(composed)
    keys = {"base": "revision_of_model", "tower": "vision_tower_revision"}
    problems = [
        f"{key}: {adapter} was trained on {trained[part]['name']} at {trained[part]['revision']}, here it is "
        f"{here[part]['revision']}. Set {key}: {trained[part]['revision']}."
        for part, key in keys.items()
        if part in trained
        and part in here
        and trained[part]["name"] == here[part]["name"]
        and trained[part]["revision"] != here[part]["revision"]
    ]
    if problems:
        raise RecipeError(problems)


def write_start(path: str | Path, folder: str | Path) -> Path:
    """Write the model that a recipe's training starts from: base, tower and projector, without an adapter.

    With stage 1's output as `projector.init_from`, it is the model after stage 1 only (Table 9 of the paper). It is
    written tensor by tensor, with the same names as a merged checkpoint.

    Args:
        path: the recipe; its data is not read.
        folder: the checkpoint's.

    Raises:
        RecipeError: a part of the model is missing or does not fit, or the disk is full.
    """
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    from bimedix2_plugin.model.compose import compose
    from bimedix2_plugin.model.request import request_of

    cfg = recipe.read(path)
    if not cfg.base_model:
        raise RecipeError(f"base_model: name it in {path}.")
    composed = compose(request_of(cfg, weights=True))
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(composed))
    write_weights(Path(folder), composed, model, lambda _, tensor: tensor)
    AutoProcessor.from_pretrained(composed).save_pretrained(folder)
    finish(composed, folder)
    return Path(folder)
