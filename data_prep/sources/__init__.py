"""The readers, one file each, by the name that a mixture gives."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_prep.sources.source import Source

READERS = {
    "bimed13m": "Bimed13m",
    "bimed_mbench": "BimedMbench",
    "bimed_v": "BimedV",
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
"""The class of each reader; its module has the reader's name. A reader is a dataclass: its fields are the keys that a
mixture may give, those without a default it must."""


def reader(name: str) -> "type[Source]":
    """The reader of this name. Raises KeyError."""
    kind: type[Source] = getattr(import_module(f"data_prep.sources.{name}"), READERS[name])
    return kind
