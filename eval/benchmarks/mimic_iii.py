"""MIMIC-III: the findings of CT and MR reports, to be summarised as their impression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from data_prep.rows import Sample
from data_prep.sources import mimic_iii as reader
from eval.benchmark import About, Verdict
from eval.benchmarks.reports import report_scores, report_values
from eval.benchmarks.source import SourceBenchmark, question_turn, said
from eval.items import Item
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values

TEST_IDS = "test_ids.csv"


class MimicIii(SourceBenchmark):
    """The reports whose ROW_ID is in test_ids.csv. As in MultiMedEval, findings and impression are in lower case."""

    FOLDER: ClassVar[str] = "MIMIC-III"
    MAX_NEW_TOKENS: ClassVar[int] = 256
    ABOUT: ClassVar[About] = About(
        title="MIMIC-III report summarisation",
        table="Table 6",
        get=f"{reader.MimicIii.ABOUT.get}; {TEST_IDS}: the ids of https://huggingface.co/datasets/croyer/MIMIC-III-split",
        licence=reader.MimicIii.ABOUT.licence,
        split="test of croyer/MIMIC-III-split (13,054 reports)",
        layout=("NOTEEVENTS.csv", f"{TEST_IDS}, with a column `ids`"),
        redistribute=reader.MimicIii.ABOUT.redistribute,
    )

    def source(self) -> reader.MimicIii:
        """The reader of the test split."""
        return reader.MimicIii(path=str(self.folder), split="test", test_ids=str(self.folder / TEST_IDS))

    def item(self, sample: Sample) -> Item:
        """The findings with the request behind them, and the impression."""
        findings = said(sample, 0).removesuffix(reader.INSTRUCTION).rstrip().lower()
        text = f"{findings}\n{reader.INSTRUCTION}"
        return Item(
            id=sample.id,
            language=sample.language,
            task=sample.task,
            modality=sample.modality,
            messages=question_turn(text),
            images=(),
            question=text,
            gold=said(sample, 1).lower(),
        )

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """As Benchmark says."""
        return report_scores(predictions, self.root)

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """As Benchmark says, of the metrics that need no weights."""
        return report_values(predictions)
