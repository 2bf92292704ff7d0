"""The adapter on its way into a merged checkpoint: every tensor used, or the merge fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.stages import is_projector

WEIGHTS = "adapter_model.safetensors"


def check_adapter_used(model: Any, folder: str | Path) -> None:
    """Compare an adapter's file with what is now in the model, tensor by tensor and value by value.

    Args:
        model: the PEFT model with the adapter loaded.
        folder: the adapter's folder.

    Raises:
        RecipeError: the file lacks a tensor that the model has, or holds one that did not arrive.
    """
    file = Path(folder) / WEIGHTS
    loaded = {
        _plain(name): parameter
        for name, parameter in model.named_parameters()
        if ".lora_" in name or (is_projector(name) and ".modules_to_save." in name)
    }
    unused = []
    try:
        with safe_open(file, framework="pt") as saved:
            names = set(saved.keys())
            for name in sorted(names):
                parameter = loaded.pop(_plain(name), None)
                tensor = saved.get_tensor(name)
                if parameter is None or not tensor.to(parameter.dtype).equal(parameter.detach().cpu()):
                    unused.append(name)
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"{file}: not a readable adapter ({error}).") from error
    problems = []
    if unused:
        problems.append(f"{file}: {len(unused)} of {len(names)} tensors did not reach the model, first {unused[0]}")
    if loaded:
        problems.append(f"{file}: lacks {len(loaded)} tensors that the model expects, first {min(loaded)}")
    if problems:
        raise RecipeError(
            [
                f"{problem}. Train again, or name the base and tower that the adapter was trained on."
                for problem in problems
            ]
        )


def _plain(name: str) -> str:
    """Reduce PEFT's names in a model and in a file to one form."""
    return name.replace(".modules_to_save.default.", ".").replace(".default.", ".")


def mend_merged(folder: str | Path) -> None:
    """Set what merging leaves wrong in a merged checkpoint's configuration: the language model's cache is off."""
    path = Path(folder) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["text_config"]["use_cache"] = True
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
