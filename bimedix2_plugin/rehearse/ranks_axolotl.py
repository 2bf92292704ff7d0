"""Run Axolotl's training on two gloo ranks on a CPU.

With several ranks, and for FSDP2, Axolotl and accelerate require CUDA: the functions that select it are replaced, in
this process only. Data, loader, model, trainer, sharding and saving are the real ones.
"""

from __future__ import annotations

import os
from typing import Any

from bimedix2_plugin.rehearse.ranks import RANKS

FSDP: dict[str, Any] = {
    "fsdp_version": 2,
    "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "transformer_layer_cls_to_wrap": "LlamaDecoderLayer",
    "reshard_after_forward": True,
    "cpu_ram_efficient_loading": True,
}


def stay_on_the_cpu(rank: Any) -> None:
    """Join the other ranks, and replace the functions that would select CUDA in this process."""
    import axolotl.cli.config
    import axolotl.monkeypatch.accelerate.parallelism_config as meshes
    import axolotl.utils.environment
    from accelerate.parallelism_config import ParallelismConfig
    from accelerate.state import AcceleratorState, DistributedType

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
            self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin

    AcceleratorState.__init__ = init
