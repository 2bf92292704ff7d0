"""The names of a checkpoint's tensors in its files and in the model, as transformers maps them; loading by them.

The files of LLaVA, Gemma 3 and Qwen2.5-VL have other names than their models, older ones again others.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.safetensors_index import read_shards


def native_names(stored: Iterable[str], model: Any) -> dict[str, str]:
    """Return the names in a model of the tensors in its files, as transformers maps them when it loads them."""
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

    transforms = get_model_conversion_mapping(model)
    renamings = [one for one in transforms if isinstance(one, WeightRenaming)]
    converters = [one for one in transforms if isinstance(one, WeightConverter)]
    state = model.state_dict()
    return {name: rename_source_key(name, renamings, converters, model.base_model_prefix, state)[0] for name in stored}


def load_weights(model: Any, folder: Path) -> None:
    """Load a checkpoint's weights into a model, whatever names transformers has saved them under.

    Raises:
        RecipeError: a tensor that trains is not in the checkpoint.
    """
    shards = read_shards("resume_from_checkpoint", folder)
    stored = {name: stored for stored, name in native_names(shards.weight_map, model).items()}
    for name, parameter in model.named_parameters():
        if name in stored:
            parameter.data.copy_(shards.tensor(stored[name]))
        elif parameter.requires_grad:
            raise RecipeError(f"resume_from_checkpoint: {folder} lacks {name}. Name another checkpoint of this run.")
