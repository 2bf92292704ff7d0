"""Accelerators by name: memory and dense bf16 peak, as their vendors' data sheets give them.

Vendors' «GB» of accelerator memory are taken as GiB, which is what drivers report within 2%. Peaks are without
sparsity; where a sheet gives the sparse figure alone, half of it. A100, H100, H200 and L40S were compared with copies
of the sheets; the others were not: look theirs up before relying on them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One accelerator.

    Attributes:
        memory: GiB.
        peak: dense bf16 operations, 10^12 a second.
    """

    memory: float
    peak: float


GPUS: dict[str, Gpu] = {
    "a100-40g": Gpu(40, 312.0),  # NVIDIA A100 data sheet
    "a100-80g": Gpu(80, 312.0),  # NVIDIA A100 data sheet
    "h100-80g": Gpu(80, 989.5),  # NVIDIA H100 data sheet, SXM: 1,979 with sparsity
    "h100-pcie-80g": Gpu(80, 756.5),  # NVIDIA H100 data sheet, PCIe: 1,513 with sparsity
    "h200-141g": Gpu(141, 989.5),  # NVIDIA H200 data sheet, SXM: 1,979 with sparsity
    "b200-180g": Gpu(180, 2250.0),  # NVIDIA HGX B200 data sheet: 36,000 with sparsity for eight
    "l40s-48g": Gpu(48, 362.05),  # NVIDIA L40S data sheet
    "a6000-48g": Gpu(48, 154.8),  # NVIDIA RTX A6000 data sheet: 309.7 with sparsity
    "rtx4090-24g": Gpu(24, 165.2),  # NVIDIA Ada GPU architecture paper, appendix A: bf16, float32 accumulation
    "rtx3090-24g": Gpu(24, 71.0),  # NVIDIA GA102 GPU architecture paper: bf16, float32 accumulation
    "mi250x-64g": Gpu(64, 191.5),  # AMD Instinct MI250X data sheet: 383 and 128 GB for its two halves
    "mi300x-192g": Gpu(192, 1307.4),  # AMD Instinct MI300X data sheet
}
