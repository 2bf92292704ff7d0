"""VQA-RAD (Lau et al., 2018): questions of clinicians on radiology images."""

from __future__ import annotations

from typing import ClassVar, override

from data_prep.sources import vqa_rad as reader
from eval.benchmark import About
from eval.benchmarks.vqa import VqaBenchmark


class VqaRad(VqaBenchmark):
    """The test split, of the original files or of the Hub's, which MultiMedEval reads."""

    FOLDER: ClassVar[str] = "VQA-RAD"
    ABOUT: ClassVar[About] = About.of(
        reader.VqaRad.ABOUT, "VQA-RAD", table="Table 5", split="test (451 questions)", size=451
    )

    @override
    def source(self) -> reader.VqaRad:
        return reader.VqaRad(path=str(self.folder), split="test")
