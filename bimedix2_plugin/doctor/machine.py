"""The room that a run takes, and what this machine has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bimedix2_plugin.doctor.finding import Finding
from bimedix2_plugin.plan.memory import GIB
from bimedix2_plugin.plan.planner import make_plan

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

_GB = 1e9


def room(cfg: DictDefault, gpus: int) -> Iterator[Finding]:
    """Compare the plan with this machine's disk and GPU."""
    import torch

    plan = make_plan(cfg, gpus=gpus, gpu="h100-80g")
    place = next(folder for folder in [Path(cfg.output_dir or ".").absolute(), *Path.cwd().parents] if folder.exists())
    need, free = sum(plan["disk"].values()) / _GB, shutil.disk_usage(place).free / _GB
    text = f"disk: the run takes about {need:.1f} GB, {free:.1f} are free"
    yield Finding("ok", text) if need < free else Finding("fail", f"{text}. Make room, or keep fewer checkpoints.")
    memory = sum(plan["memory"][plan["parallel"]].values()) / GIB
    if not torch.cuda.is_available():
        yield Finding("warn", f"GPU: none here; {plan['parallel']} takes about {memory:.1f} GiB on each of {gpus}")
        return
    has = torch.cuda.get_device_properties(0).total_memory / GIB
    text = f"GPU: {plan['parallel']} takes about {memory:.1f} GiB on each of {gpus}, which have {has:.1f}"
    yield Finding("ok", text) if memory < has else Finding("fail", f"{text}. See `axolotl bimedix2-plan`.")
