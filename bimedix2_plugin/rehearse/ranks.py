"""Run a job on two ranks on this CPU: processes that communicate through gloo, with a time limit.

The ranks are forked from a server that has imported Axolotl once.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

RANKS = 2
HANGS_AFTER = timedelta(seconds=120)  # on a busy machine two ranks reach a collective some seconds apart


class RankError(AssertionError):
    """A rank failed or timed out."""


@dataclass(frozen=True)
class Rank:
    """One rank.

    Attributes:
        number: of the rank, from 0.
        exchange: folder for the rendezvous and for what the ranks return.
    """

    number: int
    exchange: Path

    def join(self, hangs_after: timedelta = HANGS_AFTER) -> None:
        """Join the process group; afterwards a collective fails if it waits longer than `hangs_after`."""
        store = f"file://{self.exchange}/store"
        dist.init_process_group("gloo", init_method=store, rank=self.number, world_size=RANKS)
        dist.barrier()
        dist.distributed_c10d._set_pg_timeout(hangs_after, dist.group.WORLD)


def run(
    job: Callable[..., Any], *arguments: Any, folder: Path, seconds: float = 900, log: Path | None = None
) -> list[Any]:
    """Run `job(rank, *arguments)` on every rank; return what each returned, through torch.save.

    Args:
        job: a function of an importable module, which is imported once before the ranks are forked.
        folder: the ranks' working directory.
        seconds: time limit.
        log: file to which the ranks' output is appended; None for this process's.

    Raises:
        RankError: with the traceback of each rank that failed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([job.__module__])
    exchange = folder / f"exchange-{time.monotonic_ns()}"
    exchange.mkdir()
    ranks = [Rank(number, exchange) for number in range(RANKS)]
    processes = [context.Process(target=_work, args=(rank, folder, log, job, arguments)) for rank in ranks]
    for process in processes:
        process.start()
    _wait(processes, exchange, seconds)
    return [torch.load(exchange / f"{rank.number}.pt", weights_only=False) for rank in ranks]


def _wait(processes: list[Any], exchange: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    try:
        # Once a rank has failed, the others would wait for it forever.
        while any(process.is_alive() for process in processes) and time.monotonic() < end:
            if any(process.exitcode for process in processes):
                break
            time.sleep(0.1)
        hung = [str(rank) for rank, process in enumerate(processes) if process.is_alive()]
    finally:  # also when this process is interrupted
        for process in processes:
            process.kill()
            process.join()
    failed = [file.read_text() for file in sorted(exchange.glob("*.txt"))]
    if failed or hung:
        raise RankError("\n".join([*failed, f"still running, or waiting for another: {', '.join(hung) or 'none'}"]))


def _work(rank: Rank, folder: Path, log: Path | None, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.chdir(folder)
    if log:
        write_output_to(log)
    torch.set_num_threads(1)
    gc.freeze()  # Axolotl collects garbage often, and would look at all that was imported each time
    # As under torchrun. A rank would hand its own start method on, and each worker of its data loader would import
    # Axolotl again.
    multiprocessing.set_start_method("fork", force=True)
    try:
        torch.save(job(rank, *arguments), rank.exchange / f"{rank.number}.pt")
        if dist.is_initialized():
            dist.barrier()
    except BaseException:
        (rank.exchange / f"{rank.number}.txt").write_text(f"rank {rank.number}:\n{traceback.format_exc()}")
        os._exit(1)
    os._exit(0)


def write_output_to(log: Path) -> None:
    """Append all further output of this process to a file."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


FSDP: dict[str, Any] = {
    "fsdp_version": 2,
    "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "transformer_layer_cls_to_wrap": "LlamaDecoderLayer",
    "reshard_after_forward": True,
    "cpu_ram_efficient_loading": True,
}


def stay_on_the_cpu(rank: Any) -> None:
    """Join the other ranks, and replace the functions that would select CUDA, in this process only.

    With several ranks, and for FSDP2, Axolotl and accelerate require CUDA. Data, loader, model, trainer, sharding and
    saving stay the real ones.
    """
    import axolotl.cli.config
    import axolotl.monkeypatch.accelerate.parallelism_config as meshes
    import axolotl.utils.environment
    from accelerate.parallelism_config import ParallelismConfig
    from accelerate.state import AcceleratorState, DistributedType, PartialState

    number = str(rank.number)
    os.environ |= {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": str(RANKS), "LOCAL_WORLD_SIZE": str(RANKS)}
    os.environ |= {"ACCELERATE_USE_CPU": "true", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    rank.join()
    axolotl.utils.environment.check_cuda_p2p_support = lambda: True

    normalize = axolotl.cli.config.normalize_config

    def normalize_config(cfg: Any) -> None:
        normalize(cfg)
        cfg.device_map = {"": "cpu"}

    axolotl.cli.config.normalize_config = normalize_config
    plain, patched = ParallelismConfig.build_device_mesh, meshes._patched_build_device_mesh
    ParallelismConfig.build_device_mesh = lambda self, device: plain(self, "cpu")
    meshes._patched_build_device_mesh = lambda self, device: patched(self, "cpu")
    begin = AcceleratorState.__init__

    def init(self: Any, *arguments: Any, fsdp_plugin: Any = None, **named: Any) -> None:
        begin(self, *arguments, fsdp_plugin=fsdp_plugin, **named)
        if fsdp_plugin is not None:
            if self._mixed_precision != "no":  # as accelerate does, for GPUs only
                fsdp_plugin.set_mixed_precision(self._mixed_precision)
            self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin
            PartialState._shared_state["distributed_type"] = DistributedType.FSDP  # later states take it from there

    AcceleratorState.__init__ = init
