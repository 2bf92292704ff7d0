"""What VQA-RAD, SLAKE and PathVQA share: one image a question, MultiMedEval's prompt, and the scorer `vqa`.

The question is asked as MultiMedEval asks it: the image, then the question, and before both a sentence that asks for
yes or no where the reference is exactly that. It tells the model which questions are closed, but published numbers
come from it.

Arabic versions (arabic.jsonl) share image and type with their English item, and are scored under {"language": "ar"}
alone: the benchmark's own numbers are those of its own questions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, override

from eval.benchmark import Scorer
from eval.benchmarks.source_benchmark import SourceBenchmark, question_turn
from eval.items import Item
from eval.metrics.vqa import vqa

YES_OR_NO = {
    "en": "Answer the following question with yes or no.",
    "ar": "أجب عن السؤال التالي بنعم أو لا.",
}


class VqaBenchmark(SourceBenchmark):
    """Questions on one image each. `FOLDS_CASE`: whether a reference "Yes" is the "yes" that MultiMedEval looks for."""

    SCORER: ClassVar[Scorer] = staticmethod(vqa)
    ARABIC: ClassVar[bool] = True
    FOLDS_CASE: ClassVar[bool] = True

    def typed(self) -> bool:
        """Whether the data says of each question if it is closed; the Hub's layouts, with images inside, do not."""
        return self._source.image_folder() is not None

    @override
    def asked(self, item: Item) -> Item:
        """MultiMedEval's prompt; an Arabic version is asked for yes or no where its English item is."""
        answer = item.gold.lower() if self.FOLDS_CASE else item.gold
        told = item.facts.get("told_closed", answer in ("yes", "no"))
        before = YES_OR_NO[item.language] if told else ""
        facts = {"closed": item.task == "vqa_closed", "typed": self.typed(), "told_closed": told}
        return replace(item, messages=question_turn(item.question, images=1, before=before), facts=facts)
