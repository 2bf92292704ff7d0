"""Write the model that a recipe's training starts from as a checkpoint: base, tower and projector, without an adapter.

With stage 1's output as `projector.init_from`, it is the model after stage 1 only (Table 9 of the paper).
"""

from __future__ import annotations

from pathlib import Path

from bimedix2_plugin import recipe
from bimedix2_plugin.errors import RecipeError


def write_start(path: str | Path, folder: str | Path) -> Path:
    """Write a checkpoint tensor by tensor, with the same names as a merged one.

    Args:
        path: the recipe; its data is not read.
        folder: the checkpoint's.

    Raises:
        RecipeError: a part of the model is missing or does not fit, or the disk is full.
    """
    import torch
    from transformers import AutoConfig, AutoProcessor, LlavaForConditionalGeneration

    from bimedix2_plugin.merge import axolotl_merge
    from bimedix2_plugin.model.compose import compose
    from bimedix2_plugin.model.request import request_of

    cfg = recipe.read(path)
    missing = [f"{key}: name it in {path}." for key in ("base_model", "vision_tower") if not cfg.get(key)]
    if missing:
        raise RecipeError(missing)
    composed = compose(request_of(cfg, projector=True))
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(AutoConfig.from_pretrained(composed))
    axolotl_merge.write_weights(Path(folder), composed, model, lambda _, tensor: tensor)
    AutoProcessor.from_pretrained(composed).save_pretrained(folder)
    axolotl_merge.finish(composed, folder)
    return Path(folder)
