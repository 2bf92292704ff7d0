"""The checkpoint of a run that trained the whole language model, in the base's names and type.

Axolotl saves float32 weights; shards it gathers from the last checkpoint in bf16, under the names in the model. The
finished checkpoint has the names and the type of a merged one, and the base's own tower.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.merge import axolotl_merge, writing
from bimedix2_plugin.merge.tensors import base_dtype, weights_of
from bimedix2_plugin.model.safetensors_index import read_shards
from bimedix2_plugin.model.stored_names import native_names
from bimedix2_plugin.model.vision_language.registry import is_tower

if TYPE_CHECKING:
    import torch

    from bimedix2_plugin.merge.tensors import Weight


def finish(folder: Path, composed: Path) -> None:
    """Write the weights that Axolotl has saved in a run's folder anew, tensor by tensor, and its configuration.

    The new ones are written beside the folder first: until they are complete, Axolotl's stay.

    Args:
        folder: the run's, with Axolotl's weights, tokenizer and processor.
        composed: the model that the run started from.

    Raises:
        RecipeError: a tensor of the model was not saved.
    """
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig

    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(composed))
    model.generation_config = GenerationConfig.from_pretrained(composed)
    base, trained = read_shards("base_model", composed), read_shards("output_dir", folder)
    weights, dtype = weights_of(base, model), base_dtype(base)
    saved = {name: stored for stored, name in native_names(trained.weight_map, model).items()}
    lost = [weight.in_model for weight in weights if not is_tower(weight.in_model) and weight.in_model not in saved]
    if lost:
        raise RecipeError(
            f"output_dir: {len(lost)} tensors of the model were not saved in {folder}, first {min(lost)}. Resume from "
            "the last checkpoint."
        )

    def value(weight: Weight) -> torch.Tensor:
        frozen = is_tower(weight.in_model)
        tensor: torch.Tensor = base.tensor(weight.stored) if frozen else trained.tensor(saved[weight.in_model])
        return tensor

    writing.write(folder, weights, value, dtype)
    writing.clear(folder)
    axolotl_merge.save_configuration(folder, model, dtype)
    axolotl_merge.finish(composed, folder)
