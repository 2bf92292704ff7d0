"""MedMCQA: multiple-choice questions of Indian medical entrance exams.

The correct option `cop` counts from 0 in the Hub's Parquet files and from 1 in the original JSON Lines. The test split
is not read, since its answers were never published; the benchmark is `validation`.
Source: github.com/medmcqa/medmcqa (README), huggingface.co/datasets/openlifescienceai/medmcqa.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from data_prep.rows import Reject, Sample
from data_prep.sources.source import About, choice, field, own_id
from data_prep.sources.text_source import TextSource, explained, number_of

_OPTIONS = ("opa", "opb", "opc", "opd")


@dataclass(frozen=True, kw_only=True)
class Medmcqa(TextSource):
    """`explanations` appends the explanation to the answer, if there is one."""

    ABOUT: ClassVar[About] = About(
        title="MedMCQA",
        get="https://huggingface.co/datasets/openlifescienceai/medmcqa, or through https://github.com/medmcqa/medmcqa",
        licence="Apache-2.0",
        redistribute=True,
        layout=("data/train-*.parquet", "data/validation-*.parquet", "or train.json", "dev.json"),
    )
    SPLITS: ClassVar[tuple[str, ...]] = ("train", "validation")

    explanations: bool = False

    def patterns(self) -> tuple[str, ...]:
        """The Hub's files, else the original's."""
        original = "train.json" if self.split == "train" else "dev.json"
        return f"data/{self.split}-*.parquet", original, f"data/{original}"

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The question's own id, or else the split and the row."""
        return f"medmcqa-{own_id(row, 'id', f'{self.split}-{number_of(place)}')}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The question with its options. Raises Reject."""
        options = [field(row, name) for name in _OPTIONS]
        if not all(options):
            raise Reject("bad_row", "an option without text")
        right = row.get("cop")
        if not isinstance(right, int):
            raise Reject("bad_row", f"'cop' is {right!r}; wanted: the number of the right option")
        question, answer = choice(field(row, "question"), options, right - self._first)
        explanation = field(row, "exp") if self.explanations and row.get("exp") else ""
        return self.exchange(row_id, [question, explained(answer, explanation)], "text_choice")

    @cached_property
    def _first(self) -> int:
        """The number of the first option in these files."""
        return 0 if self.files()[0].suffix == ".parquet" else 1
