"""Check a recipe for everything that would stop it later. No weights are loaded, and all findings are reported."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin import recipe
from bimedix2_plugin.doctor import environment, inputs, settings
from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan.model_sizes import read_models
from bimedix2_plugin.plan.planner import missing_keys

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

__all__ = ["Finding", "examine"]


def examine(path: str | Path, gpus: int | None = None) -> Iterator[Finding]:
    """Run every check on a recipe; a check that fails does not stop the others.

    Args:
        path: the recipe's YAML file.
        gpus: number of GPUs for the training; None for those of this machine.
    """
    import torch

    try:
        cfg = recipe.read(path)
    except RecipeError as error:
        yield from failures(error)
        return
    with tempfile.TemporaryDirectory() as scratch:
        checks = [environment.keys(cfg), settings.settings(cfg), environment.packages(cfg), inputs.shards(cfg)]
        if not missing_keys(cfg):
            checks.append(_model_checks(cfg, gpus or max(1, torch.cuda.device_count()), Path(scratch)))
        yield from _each(checks)


def _model_checks(cfg: DictDefault, gpus: int, scratch: Path) -> Iterator[Finding]:
    """Run the checks that need the models' configurations."""
    models = read_models(cfg, scratch)
    unsupported = list(_each([inputs.base(models)]))
    yield from unsupported
    checks = [
        inputs.weights("vision_tower", models.tower.source, cfg.vision_tower_revision),
        inputs.output(cfg, models),
    ]
    if not unsupported:
        checks = [
            inputs.weights("base_model", models.base, cfg.revision_of_model),
            *checks,
            inputs.stage_1(cfg, models),
            inputs.rendered(cfg, models, scratch),
            environment.room(cfg, gpus),
        ]
    yield from _each(checks)


def _each(checks: Iterable[Iterator[Finding]]) -> Iterator[Finding]:
    """Run checks one after another; an error that one raises becomes a finding."""
    for check in checks:
        try:
            yield from check
        except Exception as error:  # whatever it is, the findings of the other checks are still reported
            yield from failures(error)
