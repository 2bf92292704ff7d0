"""Complete downloads in miniature: all files that a source's own download has, also those that no reader reads.

The files' names and columns are those of the public repositories and their documentation. No question stands in two
splits or two sources, as a benchmark's question must not.
"""

from pathlib import Path

from tests.helpers.downloads import bimed_v, pmc, pubmedqa, vqa
from tests.helpers.layouts import bimed_mbench, medmcqa, medqa, mmlu, uphill

FOLDERS = {
    "VQA-RAD": vqa.vqa_rad,
    "SLAKE": vqa.slake,
    "path-vqa": vqa.path_vqa,
    "PMC-VQA": pmc.pmc_vqa,
    "BiMed-V-1.6M": bimed_v.make,
    "pubmedqa": pubmedqa.make,
    "medmcqa": medmcqa.make,
    "MedQA": medqa.make,
    "BiMed-MBench": bimed_mbench.make,
    "mmlu": mmlu.make,
    "uphill": uphill.make,
}
"""The folders of the shipped mixtures; BiMed1.3M, which is not published, is not among them."""


def make(root: Path) -> None:
    """Every source and benchmark of the shipped mixtures that can be downloaded."""
    for name, write in FOLDERS.items():
        (root / name).mkdir(parents=True)
        write(root / name)
