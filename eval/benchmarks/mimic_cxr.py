"""MIMIC-CXR: the findings of a chest X-ray study, to be written from its images."""

from __future__ import annotations

from typing import ClassVar, override

from data_prep.sources import mimic_cxr as reader
from eval.benchmark import About, Scorer
from eval.benchmarks.source_benchmark import SourceBenchmark
from eval.metrics.reports.values import reports

REQUEST = "Please caption this scan with findings and impression."


class MimicCxr(SourceBenchmark):
    """All images of a study, then the paper's request. As in MultiMedEval, the reference is the findings alone."""

    SCORER: ClassVar[Scorer] = staticmethod(reports)
    FOLDER: ClassVar[str] = "MIMIC-CXR"
    MAX_NEW_TOKENS: ClassVar[int] = 256
    ABOUT: ClassVar[About] = About.of(
        reader.MimicCxr.ABOUT,
        "MIMIC-CXR report generation",
        table="Table 7",
        split="test, studies with findings (2,347)",
        size=2347,
    )

    @override
    def source(self) -> reader.MimicCxr:
        return reader.MimicCxr(path=str(self.folder), split="test", instruction=REQUEST)
