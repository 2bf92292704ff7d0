"""What a recipe's training starts from, as a checkpoint: base, tower and projector, without an adapter.

With stage 1's projector under `projector.init_from` it is the model of stage 1 alone (Table 9 of the paper).
"""

from __future__ import annotations

from pathlib import Path

from bimedix2_plugin.errors import RecipeError


def write_start(recipe: str | Path, folder: str | Path) -> Path:
    """Write a checkpoint tensor by tensor, with the names that a merged one has.

    Args:
        recipe: a YAML file; no data of it is read.
        folder: the checkpoint's.

    Raises:
        RecipeError: a part of the model is missing or does not fit, or there is no room.
    """
    import torch
    from transformers import AutoConfig, AutoProcessor, LlavaForConditionalGeneration

    from bimedix2_plugin.merge import axolotl_merge
    from bimedix2_plugin.model.compose import compose
    from bimedix2_plugin.model_support import request_of
    from bimedix2_plugin.plan.planner import read_recipe

    cfg = read_recipe(recipe)
    lacking = [f"{key}: name it in {recipe}." for key in ("base_model", "vision_tower") if not cfg.get(key)]
    if lacking:
        raise RecipeError(lacking)
    composed = compose(request_of(cfg, projector=True))
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(AutoConfig.from_pretrained(composed))
    axolotl_merge.write_weights(Path(folder), composed, model, lambda _, tensor: tensor)
    AutoProcessor.from_pretrained(composed).save_pretrained(folder)
    axolotl_merge.finish(composed, folder)
    return Path(folder)
