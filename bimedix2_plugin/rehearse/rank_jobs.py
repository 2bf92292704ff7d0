"""What a rank of a two-rank run on a CPU does: `axolotl train` with a recipe's file."""

from __future__ import annotations

from typing import Any

import axolotl.train  # noqa: F401  imported once, before the ranks are forked

import bimedix2_plugin.plugin  # noqa: F401
from bimedix2_plugin.rehearse.ranks import stay_on_the_cpu


def train(rank: Any, recipe: str) -> dict[str, float]:
    """Train; return the loss of each step, by its number as text."""
    from axolotl.cli.args import TrainerCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets
    from axolotl.train import train as run

    stay_on_the_cpu(rank)
    cfg = load_cfg(recipe)
    trainer = run(cfg=cfg, dataset_meta=load_datasets(cfg=cfg, cli_args=TrainerCliArgs()))[2]
    return {str(entry["step"]): entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
