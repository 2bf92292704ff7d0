"""MIMIC-III: the findings of CT and MR reports, to be summarised as their impression."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, override

from data_prep.sources import mimic_iii as reader
from eval.benchmark import About, Scorer
from eval.benchmarks.source_benchmark import SourceBenchmark
from eval.items import Item
from eval.metrics.reports.values import reports

TEST_IDS = "test_ids.csv"


class MimicIii(SourceBenchmark):
    """The reports whose ROW_ID is in test_ids.csv. As in MultiMedEval, findings and impression are in lower case."""

    SCORER: ClassVar[Scorer] = staticmethod(reports)
    FOLDER: ClassVar[str] = "MIMIC-III"
    MAX_NEW_TOKENS: ClassVar[int] = 256
    ABOUT: ClassVar[About] = About.of(
        reader.MimicIii.ABOUT,
        "MIMIC-III report summarisation",
        table="Table 6",
        get=f"{reader.MimicIii.ABOUT.get}; {TEST_IDS}: the ids of https://huggingface.co/datasets/croyer/MIMIC-III-split",
        split="test of croyer/MIMIC-III-split (13,054 reports)",
        size=13_054,
        layout=("NOTEEVENTS.csv", f"{TEST_IDS}, with a column `ids`"),
    )

    @override
    def source(self) -> reader.MimicIii:
        return reader.MimicIii(path=str(self.folder), split="test", test_ids=str(self.folder / TEST_IDS))

    @override
    def asked(self, item: Item) -> Item:
        """The findings with the request behind them."""
        findings = item.question.removesuffix(reader.INSTRUCTION).rstrip().lower()
        return super().asked(replace(item, question=f"{findings}\n{reader.INSTRUCTION}", gold=item.gold.lower()))
