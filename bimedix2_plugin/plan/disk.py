"""Disk that a run fills, by what fills it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bimedix2_plugin.plan.memory import optimizer_words
from bimedix2_plugin.plan.parameters import BRIDGE, EMBEDDINGS, HEAD, LANGUAGE, TOWER, Parameters

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_FLOAT32, _BF16 = 4, 2
# Columns of the prepared set, a token: ids in 4 bytes, labels in 8, positions, where rows are packed, in 8.
_TOKEN, _POSITION = 12, 8


def disk(
    parameters: Parameters, cfg: DictDefault, tokens: float, steps: int, absent: tuple[str, ...] = ()
) -> dict[str, float]:
    """Return bytes by what they are for.

    Args:
        parameters: of the composed model.
        cfg: the recipe.
        tokens: of the data set, once.
        steps: of the run.
        absent: models whose weights are still to be downloaded; a base's are published in bf16, a tower's in float32.
    """
    parts, trained = parameters.parts, parameters.trained * _FLOAT32
    kept = min(_checkpoints(cfg, steps), int(cfg.save_total_limit or 10**6))
    prepared = tokens * (_TOKEN + (_POSITION if cfg.sample_packing else 0))
    whole = sum(parts.get(part, 0) for part in (LANGUAGE, EMBEDDINGS, HEAD, TOWER, BRIDGE))
    base = sum(parts.get(part, 0) for part in (LANGUAGE, EMBEDDINGS, HEAD)) * _BF16
    download = base * (cfg.base_model in absent) + parts[TOWER] * _FLOAT32 * (cfg.vision_tower in absent)
    return {
        "weights to download": float(download),
        "composed model: projector, and the tower where it has to be taken out": (parts[BRIDGE] + parts[TOWER])
        * _FLOAT32,
        "prepared set": prepared,
        "data sets' cache while it is made": prepared,
        f"checkpoints kept ({kept})": kept * trained * (1 + optimizer_words(cfg)),
        "output": float(trained),
        "merged checkpoint": float(whole * _BF16) if cfg.adapter else 0.0,
    }


def _checkpoints(cfg: DictDefault, steps: int) -> int:
    """Return how many checkpoints a run writes; transformers saves every 500 steps by default, and at the end."""
    if cfg.save_strategy == "no":
        return 0
    if cfg.save_strategy == "epoch":
        return math.ceil(cfg.num_epochs or 1)
    if cfg.saves_per_epoch:
        return math.ceil(cfg.saves_per_epoch * (cfg.num_epochs or 1))
    return max(1, math.ceil(steps / (cfg.save_steps or 500)))
