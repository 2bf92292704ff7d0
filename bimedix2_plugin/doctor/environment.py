"""The recipe's keys and settings, and what they need on this machine: packages, disk space, GPU memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan.memory import GIB
from bimedix2_plugin.plan.planner import make_plan

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

# Packages that a setting needs: the condition, the import name, the command that installs it.
_PACKAGES: tuple[tuple[Callable[[Any], Any], str, str], ...] = (
    (lambda cfg: cfg.deepspeed, "deepspeed", "make setup-deepspeed"),
    (lambda cfg: cfg.load_in_4bit or "8bit" in str(cfg.optimizer), "bitsandbytes", "make setup"),
    (lambda cfg: cfg.use_ray, "ray", "pip install 'ray[train]'"),
)
_H100 = {"bf16": True, "fp8": True, "tf32": True, "n_gpu": 1, "compute_capability": "sm_90"}
_GB = 1e9
# Axolotl's defaults, where a recipe sets none of the three keys: a worker for each GPU, each 256 batches ahead.
_LOADER, _AXOLOTLS_PREFETCH = ("dataloader_num_workers", "dataloader_pin_memory", "dataloader_prefetch_factor"), 256
_TORCHS_PREFETCH = 2
_DOWNLOAD = "weights to download"  # of the plan's disk: two stages share them
# Axolotl's message about flash attention, which `kernels.flash_attention` reports with what to do about it.
_NO_FLASH_ATTENTION = "no flash-attn build is available"


def keys(cfg: DictDefault) -> Iterator[Finding]:
    """Run the plugin's checks, then Axolotl's validation."""
    import torch
    from axolotl.cli.config import gpu_capabilities, prepare_plugins
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault

    copy = DictDefault(cfg.to_dict())
    problems = []
    try:
        prepare_plugins(copy)
    except RecipeError as error:  # the plugin is registered by then, so that Axolotl's validation can still run
        problems = failures(error)
    yield from problems
    real, environment = gpu_capabilities()
    needs_gpu = cfg.bf16 and not torch.cuda.is_available()
    try:
        validate_config(copy, capabilities=_H100 if needs_gpu else real, env_capabilities=environment)
    except ValidationError as error:
        found = [finding for finding in failures(error) if _NO_FLASH_ATTENTION not in finding.text]
        problems = [*problems, *found]
        yield from found
    if not problems:
        yield Finding("ok", "recipe: its keys and settings pass this project's and Axolotl's checks")
    if needs_gpu:
        yield Finding("warn", "recipe: there is no GPU here; its settings were checked for an H100")


def packages(cfg: DictDefault) -> Iterator[Finding]:
    """Look for the packages that the settings need, without importing them."""
    for needed, package, command in _PACKAGES:
        if needed(cfg):
            found = find_spec(package) is not None
            text = f"{package}: installed" if found else f"{package}: the recipe needs it. Run `{command}`."
            yield Finding("ok" if found else "fail", text)
    if cfg.deepspeed and not Path(str(cfg.deepspeed)).is_file():
        yield Finding("fail", f"deepspeed: {cfg.deepspeed} is not there. Run `axolotl fetch deepspeed_configs`.")


def room(cfg: DictDefault, gpus: int, disks: list[dict[str, float]], *, here: bool) -> Iterator[Finding]:
    """Compare the plan with this machine's disk space and GPUs.

    Args:
        cfg: the recipe.
        gpus: number of GPUs for the training.
        disks: bytes on disk, by purpose, of the recipes that run before this one; the recipe's own are appended.
        here: the training is to run on this machine, so that too few GPUs are a failure.
    """
    plan = make_plan(cfg, gpus=gpus, gpu="h100-80g")
    yield from _loader(cfg, plan["batch"]["pixel bytes"], gpus)
    need = sum(plan["disk"].values()) + sum(sum(disk.values()) - disk[_DOWNLOAD] for disk in disks)
    disks.append(plan["disk"])
    yield _disk(cfg, need / _GB, "the run takes" if len(disks) == 1 else f"the {len(disks)} runs take")
    memory = sum(plan["memory"][plan["parallel"]].values()) / GIB
    yield _gpus(gpus, f"{plan['parallel']} takes about {memory:.1f} GiB on each of {gpus}", memory, here=here)


def _disk(cfg: DictDefault, need: float, runs: str) -> Finding:
    folder = next(path for path in [Path(cfg.output_dir or ".").absolute(), *Path.cwd().parents] if path.exists())
    free = shutil.disk_usage(folder).free / _GB
    text = f"disk: {runs} about {need:.1f} GB, {free:.1f} GB are free"
    return (
        Finding("ok", text) if need < free else Finding("fail", f"{text}. Free some space, or keep fewer checkpoints.")
    )


def _gpus(gpus: int, needs: str, memory: float, *, here: bool) -> Finding:
    """Compare number and memory (GiB) of the GPUs that are needed with those of this machine."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if here and count < gpus:
        text = (
            f"GPU: the training is for {gpus}, {count or 'none'} {'is' if count < 2 else 'are'} here; {needs}. With "
            "fewer, raise gradient_accumulation_steps in proportion, and say how many: GPUS=4 for make, --gpus 4 here."
        )
        return Finding("fail", text)
    if not count:
        return Finding("warn", f"GPU: there is none here; {needs}")
    has = min(torch.cuda.get_device_properties(index).total_memory for index in range(count)) / GIB
    text = f"GPU: {needs}; the smallest of {count} here has {has:.1f} GiB"
    return Finding("ok", text) if memory < has else Finding("fail", f"{text}. See `axolotl bimedix2-plan`.")


def _loader(cfg: DictDefault, pixels: float, gpus: int) -> Iterator[Finding]:
    """Say how much memory the data loader's workers fill with pixels; `pixels` is a batch's mean, in bytes."""
    left = all(cfg.get(key) is None for key in _LOADER)
    workers = gpus if left else int(cfg.dataloader_num_workers or 0)
    ahead = _AXOLOTLS_PREFETCH if left else int(cfg.dataloader_prefetch_factor or _TORCHS_PREFETCH)
    if not workers:
        return
    text = (
        f"data loader: {workers} workers per GPU, each {ahead} batches ahead, hold about "
        f"{workers * ahead * pixels / _GB:.1f} GB of pixels ({ahead * pixels / _GB:.1f} GB each)"
    )
    if left:
        text += ", Axolotl's default. Set dataloader_num_workers, and dataloader_prefetch_factor to 4"
    yield Finding("warn" if left else "ok", text)
