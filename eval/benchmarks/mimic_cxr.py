"""MIMIC-CXR: the findings of a chest X-ray study, to be written from its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from data_prep.rows import Sample
from data_prep.sources import mimic_cxr as reader
from eval.benchmark import About, Verdict
from eval.benchmarks.reports import report_scores, report_values
from eval.benchmarks.source import SourceBenchmark, question_turn, said
from eval.items import Item
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values

REQUEST = "Please caption this scan with findings and impression."


class MimicCxr(SourceBenchmark):
    """All pictures of a study, then the paper's request. As in MultiMedEval, the reference is the findings alone."""

    FOLDER: ClassVar[str] = "MIMIC-CXR"
    MAX_NEW_TOKENS: ClassVar[int] = 256
    ABOUT: ClassVar[About] = About(
        title="MIMIC-CXR report generation",
        table="Table 7",
        get=reader.MimicCxr.ABOUT.get,
        licence=reader.MimicCxr.ABOUT.licence,
        split="test, studies with findings (2,347)",
        layout=reader.MimicCxr.ABOUT.layout,
        redistribute=reader.MimicCxr.ABOUT.redistribute,
    )

    def source(self) -> reader.MimicCxr:
        """The reader of the test split."""
        return reader.MimicCxr(path=str(self.folder), split="test", instruction=REQUEST)

    def item(self, sample: Sample) -> Item:
        """The pictures of one study, and its findings."""
        return Item(
            id=sample.id,
            language=sample.language,
            task=sample.task,
            modality=sample.modality,
            messages=question_turn(REQUEST, images=len(sample.images)),
            images=sample.images,
            question=REQUEST,
            gold=said(sample, 1),
        )

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """As Benchmark says."""
        return report_scores(predictions, self.root)

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """As Benchmark says, of the metrics that need no weights."""
        return report_values(predictions)
