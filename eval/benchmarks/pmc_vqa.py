"""PMC-VQA (Zhang et al., 2023): multiple-choice questions on figures of PubMed Central.

Arabic versions (arabic.jsonl): `question` has an option a line below it, with a letter of either script, and `answer`
begins with the right one's letter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, override

from data_prep.sources import pmc_vqa as reader
from eval.benchmark import About, Scorer
from eval.benchmarks.source_benchmark import SourceBenchmark, question_turn
from eval.items import Item
from eval.metrics.choice import accuracy, facts_of_text
from eval.metrics.option_letters import ASK_FOR_LETTER


class PmcVqa(SourceBenchmark):
    """The hand-checked test split of the first release where it is there, else the test split of the second."""

    SCORER: ClassVar[Scorer] = staticmethod(accuracy)
    ARABIC: ClassVar[bool] = True
    FOLDER: ClassVar[str] = "PMC-VQA"
    ABOUT: ClassVar[About] = About.of(
        reader.PmcVqa.ABOUT,
        "PMC-VQA",
        table="",
        split="test_clean of release 1, or test of release 2 (about 33,000); the ids tell",
        layout=("test_clean.csv and images.zip", "or test_2.csv and images_2.zip"),
    )

    @override
    def source(self) -> reader.PmcVqa:
        clean = (self.folder / "test_clean.csv").is_file()
        return reader.PmcVqa(path=str(self.folder), split="test_clean" if clean else "test", release=1 if clean else 2)

    @override
    def asked(self, item: Item) -> Item:
        """The question with its choices, which stand in its text, on its figure; the letter is asked for."""
        messages = question_turn(f"{item.question}\n{ASK_FOR_LETTER[item.language]}", images=len(item.images))
        return replace(item, messages=messages, facts=facts_of_text(item.question, item.gold))
