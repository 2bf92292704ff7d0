"""Peak memory of two ranks that load one composed model of 70B's widths and 2 of its 80 layers, and share it out.

Measured, on a CPU: `from_pretrained` with the composed folder's key mapping, on rank 0 in memory and on the other as
shapes alone, as Axolotl asks for with `fsdp_config.cpu_ram_efficient_loading`; the plugin's hooks on both; then
Axolotl's own FSDP2 load, which sends each rank its half. Not measured: CUDA, and ZeRO-3, whose `zero.Init` shares
weights out while `from_pretrained` reads them and needs DeepSpeed.

Run: python -m tests.bench.loading
"""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path
from typing import Any

import torch

from bimedix2_plugin.rehearse import ranks, tiny

LAYERS = 2
GIB = 2**30


def resident() -> dict[str, float]:
    """GiB of this process: now, and at its fullest; pages of files that several processes map are left out of `own`."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    own = int(status["RssAnon"].split()[0]) * 1024 / GIB
    return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB, "own": own}


def load(rank: Any, folder: str) -> dict[str, Any]:
    """Load and share out; return what each step took."""
    from axolotl.monkeypatch.accelerate.fsdp2 import fsdp2_load_full_state_dict
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    from bimedix2_plugin.model.compose import load as load_composed
    from bimedix2_plugin.training import fsdp, stages

    os.environ |= {"ACCELERATE_USE_FSDP": "true", "FSDP_CPU_RAM_EFFICIENT_LOADING": "true"}
    os.environ["LOCAL_RANK"] = str(rank.number)
    rank.join()
    fsdp.load_on_one_rank()
    told = {"start": resident()}
    model = load_composed(folder, device_map="cpu" if rank.number == 0 else "meta", dtype=torch.bfloat16)
    told["from_pretrained"] = resident()
    model._weight_conversions = None
    stages.run_tower_without_grad(model)
    stages.freeze_for_align(model, {})
    stages.keep_trained_in_float32(model)
    state = model.state_dict() if rank.number == 0 else {}
    model.to("meta")
    mesh = init_device_mesh("cpu", (ranks.RANKS,))
    for layer in model.model.language_model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)

    class Accelerator:
        device, is_main_process = torch.device("cpu"), rank.number == 0

    fsdp2_load_full_state_dict(Accelerator(), model, state)
    del state
    told["shared out"] = resident()
    kept = sum(p.to_local().nbytes for p in model.parameters()) / GIB
    return told | {"kept": kept, "whole": sum(p.nbytes for p in model.parameters()) / GIB}


def main() -> None:
    """Make the parts, run the ranks, print a table."""
    from bimedix2_plugin.model.compose import compose
    from bimedix2_plugin.model.request import Request
    from tests.helpers import sparse

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sparse.base(folder / "base", LAYERS)
        tiny.clip_vision(folder / "clip")
        request = Request(base=str(folder / "base"), tower=str(folder / "clip"), root=folder / "composed")
        composed = compose(request)
        results = ranks.run(load, str(composed), folder=folder, seconds=3000)
    print(f"{LAYERS} layers of 70B's widths: {results[0]['whole']:.2f} GiB in bf16; GiB by rank")
    for step in ("start", "from_pretrained", "shared out"):
        cells = [f"own {told[step]['own']:6.2f}  peak {told[step]['peak']:6.2f}" for told in results]
        print(f"{step:16} " + "   |   ".join(cells))
    print("weights kept     " + "   |   ".join(f"{told['kept']:10.2f}" for told in results))


if __name__ == "__main__":
    main()
