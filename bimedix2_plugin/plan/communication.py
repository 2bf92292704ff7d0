"""Communication of one GPU: the bytes that it sends, and receives, for weights and gradients, and the time they take.

Of V bytes over n GPUs, a ring sends V (n-1)/n for an all-gather or a reduce-scatter, and twice that for an all-reduce,
which is both (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69, 2009; "bus bandwidth" in NCCL's tests). What has to
be sent:

* DDP sums the trained parameters' gradients, in float32, once per step.
* FSDP2 gathers each wrapped layer and the rest of the model in the type of the computation, once for the forward and
  once for the backward pass of each batch, because `reshard_after_forward` frees them in between. Gradients are summed
  once per step, in float32. Checkpointing gathers nothing more, whether it is FSDP's own, `gradient_checkpointing`, or
  reentrant: a layer that is recomputed has been gathered for its backward pass, and is kept until that is done
  (`_pre_forward` in torch/distributed/fsdp/_fully_shard/_fsdp_state.py, `post_forward` in _fsdp_param_group.py). FSDP1
  gathered a third time.
* ZeRO-2 and ZeRO-3 sum the gradients of every batch (accelerate's `no_sync`), in float32 with `recipes/cluster/`'s
  `communication_data_type`. ZeRO-2 then gathers the updated weights,
  once per step (Rajbhandari et al., arXiv 1910.02054, section 7). ZeRO-3 gathers the weights twice for each batch, and
  with checkpointing a third time (Rajbhandari et al., arXiv 2104.07857, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bimedix2_plugin.plan.activations import item_size
from bimedix2_plugin.plan.flops import checkpointing
from bimedix2_plugin.plan.memory import Mode, frozen_bytes

if TYPE_CHECKING:
    from axolotl.utils.dict import DictDefault

    from bimedix2_plugin.plan.parameters import Parameters

REACHED = 0.8  # assumed: share of the data sheet's bandwidth that large collectives reach
_FLOAT32 = 4

# Interconnects: bytes per second that one GPU sends, while it receives as many. Data sheets give both directions
# together; half of it stands here. A network's share is that of one GPU in a node with one adapter per GPU. None was
# measured: check before relying on them.
_GB = 1e9
INTERCONNECTS: dict[str, float] = {
    "nvlink-a100": 300 * _GB,  # NVIDIA A100 data sheet: 600 GB/s
    "nvlink-h100": 450 * _GB,  # NVIDIA H100 and H200 data sheets, SXM: 900 GB/s
    "nvlink-b200": 900 * _GB,  # NVIDIA HGX B200 data sheet: 1.8 TB/s
    "xgmi-mi300x": 448 * _GB,  # AMD Instinct MI300X platform data sheet: 7 links of 128 GB/s
    "xgmi-mi250x": 50 * _GB,  # AMD CDNA 2 white paper: 100 GB/s a link, of which a ring over all halves has one
    "pcie5": 64 * _GB,  # PCI Express 5.0, 16 lanes of 32 GT/s: 128 GB/s
    "pcie4": 32 * _GB,  # PCI Express 4.0, 16 lanes of 16 GT/s: 64 GB/s
    "infiniband-ndr": 50 * _GB,  # NVIDIA ConnectX-7 data sheet: 400 Gb/s in each direction
    "infiniband-hdr": 25 * _GB,  # NVIDIA ConnectX-6 data sheet: 200 Gb/s in each direction
    "slingshot-lumi": 12.5 * _GB,  # LUMI's documentation: 200 Gb/s for a MI250X, which is two GPUs
}


@dataclass(frozen=True)
class Traffic:
    """Bytes that one GPU sends in one step of the optimizer, and receives.

    Attributes:
        weights: gathered.
        gradients: summed over the GPUs.
    """

    weights: float
    gradients: float

    @property
    def total(self) -> float:
        """The sum of both."""
        return self.weights + self.gradients

    def seconds(self, interconnect: str) -> float:
        """Return the time that a step's traffic takes if nothing else happens.

        Args:
            interconnect: a name in `INTERCONNECTS`.
        """
        return self.total / (INTERCONNECTS[interconnect] * REACHED)


def step_traffic(parameters: Parameters, cfg: DictDefault, mode: Mode, *, gpus: int, batches: int) -> Traffic:
    """Return the traffic of one step.

    Args:
        parameters: of the vision-language model.
        cfg: the recipe.
        mode: the parallelism.
        gpus: number of GPUs.
        batches: that one GPU accumulates in a step.
    """
    part = (gpus - 1) / gpus
    trained, item = parameters.trained, item_size(cfg)
    if mode.weights:
        model = frozen_bytes(parameters, cfg, mode) + trained * item
        sums = batches if mode.name.endswith("zero3") else 1
        return Traffic(part * model * _gathers(cfg, mode) * batches, part * trained * _FLOAT32 * sums)
    if mode.gradients:
        return Traffic(part * trained * item, part * trained * _FLOAT32 * batches)
    return Traffic(0.0, 2 * part * trained * _FLOAT32)


def _gathers(cfg: DictDefault, mode: Mode) -> int:
    """Return how often the weights are gathered for one batch."""
    if mode.name.endswith("fsdp2"):
        return 1 if (cfg.fsdp_config or {}).get("reshard_after_forward") is False else 2
    return 3 if checkpointing(cfg) else 2
