"""Runs `axolotl` commands in processes forked from a server that has imported Axolotl once."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import traceback
import types
from collections.abc import Sequence
from pathlib import Path

import axolotl.cli.merge_lora
import axolotl.cli.preprocess
import axolotl.cli.train
import axolotl.common.datasets
import axolotl.core.builders.causal
import axolotl.train  # noqa: F401
import torch.nn.attention.varlen  # noqa: F401  Axolotl asks for it in every training; it imports the compiler
from axolotl.cli.main import cli

from bimedix2_plugin.rehearse import rank_jobs  # noqa: F401
from bimedix2_plugin.rehearse.ranks import write_output_to


def run_forked(arguments: Sequence[str], log: Path) -> int:
    """Run one command, in a folder of its own process; return its exit status, negative for a signal."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_work, args=(list(arguments), log))
    process.start()
    process.join()
    return int(process.exitcode or 0)


def _work(arguments: list[str], log: Path) -> None:
    write_output_to(log)
    # Otherwise each worker of a data loader would be started by the server's method, and import Axolotl again.
    multiprocessing.set_start_method("fork", force=True)
    # `datasets` saves in a spawned process, which would import this one's main module, and with it Axolotl.
    sys.modules["__main__"] = types.ModuleType("__main__")
    gc.freeze()
    try:
        cli(arguments, standalone_mode=False)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
