"""What a rehearsal needs before it begins: the recipe's pair, GPUs, disk space, and a dataset to take rows from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin import recipe
from bimedix2_plugin.checks import stage_1_recipe
from bimedix2_plugin.data.prepared_set import MANIFEST, data_paths
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.rehearse import rows as few_rows
from bimedix2_plugin.rehearse.commands import last_lines

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_ROOM = 2e9  # bytes: weights of a 256,000-token vocabulary, composed, trained and merged
_QUICKSTART = ("data/quickstart", "recipes/data/quickstart.yml")


def pair_of(path: Path) -> dict[str, Path]:
    """Return the recipes to rehearse by their stage: the recipe, after the stage 1 that it starts from.

    Raises:
        RecipeError: no recipe writes that stage 1.
    """
    cfg = recipe.read(path)
    ours = recipe.settings(cfg)
    if ours.stage == "align" or not ours.projector.init_from:
        return {ours.stage: path}
    first = stage_1_recipe(cfg, ours.projector.init_from)
    if first is None:
        raise RecipeError(
            f"projector.init_from: no *_stage1.yml beside {path} has output_dir: {ours.projector.init_from}. A "
            "rehearsal trains stage 1 as well: put its recipe there, or leave init_from out."
        )
    return {"align": first, "instruct": path}


def gpus_here(wanted: int | None) -> int:
    """Return how many GPUs to use; 0 means the CPU.

    Raises:
        RecipeError: more are wanted than there are.
    """
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted is not None and wanted > there:
        raise RecipeError(f"--gpus {wanted}: this machine has {there}. Name at most that many; 0 is the CPU.")
    return there if wanted is None else wanted


def check_kernels(contents: dict[str, DictDefault], gpus: int) -> None:
    """Check that the recipes' flash attention can be used on the GPUs; this downloads its kernel if need be.

    Raises:
        RecipeError: it cannot.
    """
    from bimedix2_plugin.doctor.kernels import flash_attention

    found = [finding for cfg in contents.values() for finding in flash_attention(cfg, required=True)] if gpus else []
    problems = dict.fromkeys(finding.text for finding in found if finding.level == "fail")
    if problems:
        raise RecipeError(list(problems))


def check_room(folder: Path) -> None:
    """Check that the disk has room for the stand-ins and their checkpoints.

    Raises:
        RecipeError: it has not.
    """
    place = next(one for one in [folder, *folder.parents] if one.exists())
    free = shutil.disk_usage(place).free
    if free < _ROOM:
        raise RecipeError(
            f"{folder}: a rehearsal writes up to {_ROOM / 1e9:.0f} GB, {free / 1e9:.1f} GB are free. Free some space, "
            "or name a folder on another disk with --out."
        )


def rows(contents: dict[str, DictDefault], work: Path, given: Path | None, replaced: list[str]) -> dict[str, Path]:
    """Take a few rows for each stage; return their folders.

    Args:
        contents: the recipes by stage.
        work: the rehearsal's folder.
        given: a built dataset in place of the recipes'; None for theirs, or the quickstart's if that is not built.
        replaced: gets a line where a recipe's own dataset is not used.

    Raises:
        RecipeError: there is no dataset to take rows from.
    """
    folders = {}
    for stage, cfg in contents.items():
        own = next((Path(path) for path in data_paths(cfg) if (Path(path) / MANIFEST).is_file()), None)
        source = given or own
        if source is None:
            source = _quickstart(cfg, work)
            replaced.append(f"datasets: rows of the quickstart; {', '.join(data_paths(cfg)[:1])} is not built")
        if not (source / MANIFEST).is_file():
            raise RecipeError(f"{source}: no dataset, it has no {MANIFEST}. Build one: `python -m data_prep build`.")
        folders[stage] = work / "data" / stage
        few_rows.take(source, folders[stage], cfg)
    return folders


def _quickstart(cfg: DictDefault, work: Path) -> Path:
    """Return the quickstart's dataset; it is built if it is not there."""
    built = Path(_QUICKSTART[0])
    if (built / MANIFEST).is_file():
        return built
    built, log = work / "quickstart", work / "data.log"
    tree = next((one for one in Path(str(cfg.axolotl_config_path)).absolute().parents if one.name == "recipes"), None)
    mixture = tree / "data" / "quickstart.yml" if tree else Path(_QUICKSTART[1])
    if (built / MANIFEST).is_file():
        return built
    if not mixture.is_file():
        raise RecipeError(
            f"datasets: {', '.join(data_paths(cfg))}: not built, and {mixture}, the quickstart's, is not there. Build "
            "the recipe's dataset, or name a built one with --data."
        )
    command = [sys.executable, "-m", "data_prep", "build", str(mixture), "--out", str(built)]
    with log.open("wb") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if status:
        raise RecipeError(f"datasets: the quickstart's dataset could not be built:\n{last_lines(log)}")
    return built
