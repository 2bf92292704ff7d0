"""What VQA-RAD, SLAKE and PathVQA share: the prompt and the six metrics of MultiMedEval, and the corrected scoring.

The same answers are scored twice. `multimedeval.*` are MultiMedEval's numbers, with its quirks (eval.metrics.
multimedeval); `corrected.*` are ours (eval.metrics.corrected_vqa). The question is asked as MultiMedEval asks it: the
picture, then the question, and before both a sentence that asks for yes or no where the gold answer is just that. It
tells the model which questions are closed, but published numbers come from it.

Arabic versions: arabic.jsonl in the benchmark's folder, one object a line with `id` (the English item's), `question`
and `answer`. They share picture and type with their English item, and are scored under {"language": "ar"} alone: the
benchmark's own numbers are those of its own questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from data_prep.rows import Sample
from eval.benchmark import Verdict
from eval.benchmarks.arabic import with_arabic
from eval.benchmarks.scoring import own_lines, values_of
from eval.benchmarks.source import SourceBenchmark, said
from eval.benchmarks.vqa_scores import measures, vqa_scores
from eval.items import Item, Message
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values

YES_OR_NO = {
    "en": "Answer the following question with yes or no.",
    "ar": "أجب عن السؤال التالي بنعم أو لا.",
}


class VqaBenchmark(SourceBenchmark):
    """Questions on one picture each. `FOLDS_CASE`: whether a gold "Yes" is the "yes" that MultiMedEval looks for."""

    FOLDS_CASE: ClassVar[bool] = True

    def typed(self) -> bool:
        """Whether the data says of each question if it is closed; the Hub's layouts, with pictures inside, do not."""
        return self._source.image_folder() is not None

    def items(self) -> list[Item]:
        """As Benchmark says: the English questions, then their Arabic versions where there are any."""
        return with_arabic(self.folder, super().items(), _arabic)

    def item(self, sample: Sample) -> Item:
        """The item of one row."""
        question, answer = said(sample, 0), said(sample, 1)
        told = (answer.lower() if self.FOLDS_CASE else answer) in ("yes", "no")
        return Item(
            id=sample.id,
            language=sample.language,
            task=sample.task,
            modality=sample.modality,
            messages=asked(question, YES_OR_NO[sample.language] if told else ""),
            images=sample.images,
            question=question,
            gold=answer,
            facts={"closed": sample.task == "vqa_closed", "typed": self.typed(), "told_closed": told},
        )

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """As Benchmark says."""
        return vqa_scores(predictions)

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """As Benchmark says."""
        return values_of(own_lines(predictions), measures)


def asked(question: str, before: str = "") -> tuple[Message, ...]:
    """The user turn: a sentence, the picture, the question."""
    first = [{"type": "text", "text": before}] if before else []
    return ({"role": "user", "content": [*first, {"type": "image"}, {"type": "text", "text": question}]},)


def _arabic(item: Item, question: str, answer: str) -> Item:
    before = YES_OR_NO["ar"] if item.facts["told_closed"] else ""
    return replace(item, messages=asked(question, before), question=question, gold=answer)
