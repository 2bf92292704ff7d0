"""The recipe's keys and settings, and the packages that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2_plugin.doctor.finding import Finding, failures
from bimedix2_plugin.errors import RecipeError

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

# What a recipe's setting needs, by import name, and how to get it.
_PACKAGES: tuple[tuple[Callable[[Any], Any], str, str], ...] = (
    (lambda cfg: cfg.attn_implementation == "flash_attention_2", "flash_attn", "make setup-gpu"),
    (lambda cfg: cfg.deepspeed, "deepspeed", "make setup-gpu"),
    (lambda cfg: cfg.load_in_4bit or "8bit" in str(cfg.optimizer), "bitsandbytes", "make setup"),
    (lambda cfg: cfg.use_ray, "ray", "pip install 'ray[train]'"),
)
_H100 = {"bf16": True, "fp8": True, "tf32": True, "n_gpu": 1, "compute_capability": "sm_90"}


def keys(cfg: DictDefault) -> Iterator[Finding]:
    """Run the plugin's checks, then Axolotl's own validation."""
    import torch
    from axolotl.cli.config import gpu_capabilities, prepare_plugins
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault

    copy = DictDefault(cfg.to_dict())
    problems = []
    try:
        prepare_plugins(copy)
    except RecipeError as error:  # the plugin is known to Axolotl by then: its validation can still run
        problems = failures(error)
    yield from problems
    real, environment = gpu_capabilities()
    needs_gpu = cfg.bf16 and not torch.cuda.is_available()
    validate_config(copy, capabilities=_H100 if needs_gpu else real, env_capabilities=environment)
    if not problems:
        yield Finding("ok", "recipe: its keys and settings, by this project's checks and Axolotl's")
    if needs_gpu:
        yield Finding("warn", "recipe: there is no GPU here; its settings were checked as for an H100")


def packages(cfg: DictDefault) -> Iterator[Finding]:
    """Look for what the settings need, without importing it."""
    for needed, package, command in _PACKAGES:
        if needed(cfg):
            found = find_spec(package) is not None
            text = f"{package}: installed" if found else f"{package}: the recipe needs it. Run `{command}`."
            yield Finding("ok" if found else "fail", text)
    if cfg.deepspeed and not Path(str(cfg.deepspeed)).is_file():
        yield Finding("fail", f"deepspeed: {cfg.deepspeed} is not there. Run `axolotl fetch deepspeed_configs`.")
