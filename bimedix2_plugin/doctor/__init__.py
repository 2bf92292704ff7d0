"""Check a recipe for everything that would stop it later. No weights are loaded, and all findings are reported."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin import recipe
from bimedix2_plugin.doctor import environment, inputs, kernels
from bimedix2_plugin.doctor import settings as table
from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.projector import FINISHED
from bimedix2_plugin.plan.model_sizes import read_models
from bimedix2_plugin.plan.planner import missing_keys
from bimedix2_plugin.recipe import settings

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

__all__ = ["Finding", "examine", "examine_all"]


def examine(path: str | Path, gpus: int | None = None, *, here: bool = False) -> Iterator[Finding]:
    """Run every check on a recipe; a check that fails does not stop the others.

    Args:
        path: the recipe's YAML file.
        gpus: number of GPUs for the training; None for those of this machine.
        here: the training is to run on this machine now: without its GPUs and attention kernels a check fails.
    """
    for _, finding in examine_all([path], gpus, here=here):
        yield finding


def examine_all(
    paths: Sequence[str | Path], gpus: int | None = None, *, here: bool = False
) -> Iterator[tuple[str | Path, Finding]]:
    """Examine recipes that run one after another: a later one may start from the output of an earlier one.

    Yields:
        each recipe's path with a finding of it; a finding that two of them share comes once. Arguments as `examine`.
    """
    earlier: list[DictDefault] = []
    disks: list[dict[str, float]] = []
    said: set[Finding] = set()
    for path in paths:
        try:
            cfg = recipe.read(path)
        except RecipeError as error:
            yield from ((path, finding) for finding in failures(error))
            continue
        checks = [_first_stage(cfg, earlier), _checks(cfg, gpus, disks, here=here)]
        for finding in _each(checks):
            if finding not in said:
                said.add(finding)
                yield path, finding
        earlier.append(cfg)


def _first_stage(cfg: DictDefault, earlier: Sequence[DictDefault]) -> Iterator[Finding]:
    """Expect a stage 1 that an earlier recipe is going to make; the checks of one that is there are left out."""
    start = settings(cfg).projector.init_from
    if not start or (Path(start) / FINISHED).is_file():
        return
    folder = Path(start).resolve()
    before = next((one for one in earlier if one.output_dir and Path(one.output_dir).resolve() == folder), None)
    if before is None:
        return
    cfg.projector = {key: value for key, value in cfg.projector.items() if key != "init_from"}
    yield inputs.same_projector(cfg, before, start)


def _checks(cfg: DictDefault, gpus: int | None, disks: list[dict[str, float]], *, here: bool) -> Iterator[Finding]:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    with tempfile.TemporaryDirectory() as scratch:
        checks = [
            environment.keys(cfg),
            table.settings(cfg),
            environment.packages(cfg),
            kernels.flash_attention(cfg, required=here or count > 0),
            inputs.shards(cfg),
        ]
        if not missing_keys(cfg):
            room = environment.room(cfg, gpus or max(1, count), disks, here=here)
            checks.append(_model_checks(cfg, room, Path(scratch)))
        yield from _each(checks)


def _model_checks(cfg: DictDefault, room: Iterator[Finding], scratch: Path) -> Iterator[Finding]:
    """Run the checks that need the models' configurations."""
    models = read_models(cfg, scratch)
    unsupported = list(_each([inputs.base(models)]))
    yield from unsupported
    checks = [inputs.output(cfg, models)]
    if models.tower:
        checks.insert(0, inputs.weights("vision_tower", models.tower.source, cfg.vision_tower_revision))
    if not unsupported:
        checks = [
            inputs.weights("base_model", models.base, cfg.revision_of_model),
            *checks,
            inputs.whole(cfg, models, scratch),
            inputs.stage_1(cfg, models),
            inputs.rendered(cfg, models, scratch),
            room,
        ]
    yield from _each(checks)


def _each(checks: Iterable[Iterator[Finding]]) -> Iterator[Finding]:
    """Run checks one after another; an error that one raises becomes a finding."""
    for check in checks:
        try:
            yield from check
        except Exception as error:  # whatever it is, the findings of the other checks are still reported
            yield from failures(error)
