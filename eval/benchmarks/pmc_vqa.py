"""PMC-VQA (Zhang et al., 2023): multiple-choice questions on figures of PubMed Central.

Arabic versions: arabic.jsonl, as for the other VQA benchmarks; `question` has an option a line below it, with a letter
of either script, and `answer` begins with the right one's letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from data_prep.rows import Sample
from data_prep.sources import pmc_vqa as reader
from eval.benchmark import About, Verdict
from eval.benchmarks.arabic import ARABIC_FILE, with_arabic
from eval.benchmarks.choice import accuracy, choice_facts, choice_scores, split_options
from eval.benchmarks.scoring import own_lines, values_of
from eval.benchmarks.source import SourceBenchmark, question_turn, said
from eval.errors import EvalError
from eval.items import Item
from eval.metrics.choice import ARABIC
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values


class PmcVqa(SourceBenchmark):
    """The hand-checked test split of the first release where it is there, else the test split of the second."""

    FOLDER: ClassVar[str] = "PMC-VQA"
    MAX_NEW_TOKENS: ClassVar[int] = 64
    ABOUT: ClassVar[About] = About(
        title="PMC-VQA",
        table="",
        get=reader.PmcVqa.ABOUT.get,
        licence=reader.PmcVqa.ABOUT.licence,
        split="test_clean of release 1, or test of release 2 (about 33,000); the ids tell",
        layout=("test_clean.csv and images.zip", "or test_2.csv and images_2.zip"),
        redistribute=reader.PmcVqa.ABOUT.redistribute,
    )

    def source(self) -> reader.PmcVqa:
        """The reader of the split that is there."""
        clean = (self.folder / "test_clean.csv").is_file()
        return reader.PmcVqa(path=str(self.folder), split="test_clean" if clean else "test", release=1 if clean else 2)

    def items(self) -> list[Item]:
        """As Benchmark says: the English questions, then their Arabic versions where there are any."""
        return with_arabic(self.folder, super().items(), self._arabic)

    def item(self, sample: Sample) -> Item:
        """A question on one figure with its four choices."""
        text, gold = said(sample, 0), said(sample, 1)
        facts = self._facts(sample.id, text, gold, f"Get it: {self.ABOUT.get}.")
        return Item(
            id=sample.id,
            language=sample.language,
            task=sample.task,
            modality=sample.modality,
            messages=question_turn(text, images=1),
            images=sample.images,
            question=text,
            gold=gold,
            facts=facts,
        )

    def _arabic(self, item: Item, question: str, answer: str) -> Item:
        facts = self._facts(item.id, question, answer, f"Mend {ARABIC_FILE}.")
        return replace(item, messages=question_turn(question, images=1), question=question, gold=answer, facts=facts)

    def _facts(self, item_id: str, text: str, gold: str, remedy: str) -> dict[str, object]:
        _, options = split_options(text)
        right = ARABIC.get(gold[:1], gold[:1])
        if right not in options:
            raise EvalError(f"{self.folder}: {item_id}: the choices cannot be told apart. {remedy}")
        return choice_facts(options, right)

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """As Benchmark says."""
        return choice_scores(predictions, ())

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """As Benchmark says."""
        return values_of(own_lines(predictions), accuracy)
