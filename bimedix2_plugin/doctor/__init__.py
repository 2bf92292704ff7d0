"""Everything that would stop a recipe later, now, all together, and without loading a weight."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.doctor import machine, models, rows, settings
from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan.model_sizes import read_models
from bimedix2_plugin.plan.planner import missing_keys, read_recipe

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

__all__ = ["Finding", "examine"]


def examine(recipe: str | Path, gpus: int | None = None) -> Iterator[Finding]:
    """Run every check on a recipe; a check that fails does not keep the others from running.

    Args:
        recipe: the YAML file.
        gpus: how many will train; None for those of this machine.
    """
    import torch

    try:
        cfg = read_recipe(recipe)
    except RecipeError as error:
        yield Finding("fail", str(error))
        return
    with tempfile.TemporaryDirectory() as scratch:
        checks = [settings.keys(cfg), settings.packages(cfg), rows.shards(cfg)]
        if not missing_keys(cfg):
            checks.append(_sized(cfg, gpus or max(1, torch.cuda.device_count()), Path(scratch)))
        yield from _each(checks)


def _sized(cfg: DictDefault, gpus: int, scratch: Path) -> Iterator[Finding]:
    """Run the checks that need the models' configurations."""
    parts = read_models(cfg, scratch)
    checks = (
        models.weights(cfg, parts),
        models.stage_1(cfg, parts),
        models.output(cfg, parts),
        rows.rendered(cfg, parts, scratch),
        machine.room(cfg, gpus),
    )
    yield from _each(checks)


def _each(checks: Iterable[Iterator[Finding]]) -> Iterator[Finding]:
    """Run checks; what one raises is its finding, and the others still run."""
    for check in checks:
        try:
            yield from check
        except (RecipeError, ValueError, OSError) as error:
            yield from failures(error)
