"""The recipe's keys and settings, and what they need on this machine: packages, disk space, GPU memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.plan.memory import GIB
from bimedix2_plugin.plan.planner import make_plan

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

# Packages that a setting needs: the condition, the import name, the command that installs it.
_PACKAGES: tuple[tuple[Callable[[Any], Any], str, str], ...] = (
    (lambda cfg: cfg.attn_implementation == "flash_attention_2", "flash_attn", "make setup-gpu"),
    (lambda cfg: cfg.deepspeed, "deepspeed", "make setup-gpu"),
    (lambda cfg: cfg.load_in_4bit or "8bit" in str(cfg.optimizer), "bitsandbytes", "make setup"),
    (lambda cfg: cfg.use_ray, "ray", "pip install 'ray[train]'"),
)
_H100 = {"bf16": True, "fp8": True, "tf32": True, "n_gpu": 1, "compute_capability": "sm_90"}
_GB = 1e9
# Axolotl's defaults, where a recipe sets none of the three keys: a worker for each GPU, each 256 batches ahead.
_LOADER, _AXOLOTLS_PREFETCH = ("dataloader_num_workers", "dataloader_pin_memory", "dataloader_prefetch_factor"), 256
_TORCHS_PREFETCH = 2


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
    validate_config(copy, capabilities=_H100 if needs_gpu else real, env_capabilities=environment)
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


def room(cfg: DictDefault, gpus: int) -> Iterator[Finding]:
    """Compare the plan with this machine's disk space and GPU memory, and say what the data loader holds."""
    import torch

    plan = make_plan(cfg, gpus=gpus, gpu="h100-80g")
    yield from _loader(cfg, plan["batch"]["pixel bytes"], gpus)
    folder = next(path for path in [Path(cfg.output_dir or ".").absolute(), *Path.cwd().parents] if path.exists())
    need, free = sum(plan["disk"].values()) / _GB, shutil.disk_usage(folder).free / _GB
    text = f"disk: the run takes about {need:.1f} GB, {free:.1f} GB are free"
    yield (
        Finding("ok", text) if need < free else Finding("fail", f"{text}. Free some space, or keep fewer checkpoints.")
    )
    memory = sum(plan["memory"][plan["parallel"]].values()) / GIB
    needs = f"{plan['parallel']} takes about {memory:.1f} GiB on each of {gpus}"
    if not torch.cuda.is_available():
        yield Finding("warn", f"GPU: there is none here; {needs}")
        return
    has = torch.cuda.get_device_properties(0).total_memory / GIB
    text = f"GPU: {needs}; this one has {has:.1f} GiB"
    yield Finding("ok", text) if memory < has else Finding("fail", f"{text}. See `axolotl bimedix2-plan`.")


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
