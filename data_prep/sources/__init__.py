"""The readers of sources, one file each, by their names in a mixture."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_prep.sources.source import Source

READERS = {
    "bimed13m": "Bimed13m",
    "bimed_mbench": "BimedMbench",
    "bimed_v": "BimedV",
    "dataset": "Dataset",
    "dicom": "Dicom",
    "llava_med": "LlavaMed",
    "medmcqa": "Medmcqa",
    "medqa": "Medqa",
    "messages": "Messages",
    "mimic_cxr": "MimicCxr",
    "mimic_iii": "MimicIii",
    "mmlu": "Mmlu",
    "path_vqa": "PathVqa",
    "pmc_oa": "PmcOa",
    "pmc_vqa": "PmcVqa",
    "pubmedqa": "Pubmedqa",
    "quickstart": "Quickstart",
    "slake": "Slake",
    "uphill": "Uphill",
    "vqa_rad": "VqaRad",
}
"""The class of each reader, in the module of the same name. A reader is a dataclass: its fields are its keys in a
mixture, and those without a default are required."""


def reader(name: str) -> "type[Source]":
    """The class of the reader with this name. Raises KeyError."""
    kind: type[Source] = getattr(import_module(f"data_prep.sources.{name}"), READERS[name])
    return kind
