"""MMLU's six clinical subjects in Arabic, from two translations that lm-eval has: OpenAI's MMMLU and Global-MMLU.

In either one file a split holds all subjects; the benchmark's name is its prefix and the subject.
Source: huggingface.co/datasets/openai/MMMLU (AR_XY), huggingface.co/datasets/CohereLabs/Global-MMLU (ar).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, override

from data_prep.rows import Rejected
from data_prep.sources.text_source import first_found, missing, number_of, table_of
from data_prep.tables.table import all_rows
from eval.benchmark import About
from eval.benchmarks.clinical import MMLU_SIZES
from eval.benchmarks.multiple_choice import ChoiceBenchmark, Question, Task, lettered


class ArabicMmlu(ChoiceBenchmark):
    """One subject. The columns are those of QUESTION, OPTIONS, ANSWER (the right option's letter) and SUBJECT."""

    LANGUAGE: ClassVar[str] = "ar"
    PREFIX: ClassVar[str]
    FILES: ClassVar[str]
    """The pattern of a split's files, with SPLIT in it."""
    QUESTION: ClassVar[str]
    OPTIONS: ClassVar[tuple[str, ...]]
    ANSWER: ClassVar[str]
    SUBJECT: ClassVar[str]

    @property
    def subject(self) -> str:
        """The subject, as MMLU calls it."""
        return self.name.removeprefix(self.PREFIX)

    @property
    @override
    def size(self) -> int | None:
        """As many as in MMLU: every question was translated."""
        return MMLU_SIZES.get(self.subject)

    @override
    def missing(self, split: str) -> list[str]:
        return [problem.partition(": ")[2] for problem in missing("path", self.folder, self._patterns(split))]

    @override
    def read(self, split: str) -> Iterator[Question | Rejected]:
        for path in first_found(self.folder, self._patterns(split)):
            for place, row in all_rows(table_of(path)):
                if isinstance(row, Rejected):
                    yield row
                elif subject_of(row.get(self.SUBJECT, "")) == self.subject:
                    yield self._question(f"{self.name}-{split}-{number_of(place)}", row)

    def _patterns(self, split: str) -> tuple[str, ...]:
        return (self.FILES.replace("SPLIT", split),)

    def _question(self, row_id: str, row: dict[str, Any]) -> Question | Rejected:
        try:
            columns = (self.QUESTION, *self.OPTIONS, self.ANSWER, self.SUBJECT)
            document = {name: row[name] for name in columns}
            right = "ABCD".index(row[self.ANSWER])
            return lettered(row_id, row[self.QUESTION], [row[name] for name in self.OPTIONS], right, document)
        except (KeyError, TypeError, ValueError) as error:
            return Rejected(row_id, "bad_row", f"{type(error).__name__}: {error}")


class MmmluArabic(ArabicMmlu):
    """A subject of MMMLU.

    lm-eval would take few-shot examples from the first questions of the test itself, answers included, so there are
    none here.
    """

    ABOUT = About(
        title="MMMLU in Arabic, one clinical subject",
        table="",
        get="https://huggingface.co/datasets/openai/MMMLU",
        licence="MIT",
        split="test: as many as in MMLU",
        layout=("test/mmlu_AR-XY.csv",),
    )
    FOLDER: ClassVar[str] = "MMMLU"
    EXAMPLE_SPLIT: ClassVar[str | None] = None
    PREFIX: ClassVar[str] = "mmmlu_ar_"
    FILES: ClassVar[str] = "SPLIT/mmlu_AR-XY.csv"
    QUESTION: ClassVar[str] = "Question"
    OPTIONS: ClassVar[tuple[str, ...]] = ("A", "B", "C", "D")
    ANSWER: ClassVar[str] = "Answer"
    SUBJECT: ClassVar[str] = "Subject"

    @property
    def task(self) -> Task:
        """lm-eval's mmmlu_ar_xy_SUBJECT."""
        return Task(f"mmmlu_ar_xy_{self.subject}", "openai-mmmlu/default")


class GlobalMmluArabic(ArabicMmlu):
    """A subject of Global-MMLU, the full one."""

    ABOUT = About(
        title="Global-MMLU in Arabic, one clinical subject",
        table="",
        get="https://huggingface.co/datasets/CohereLabs/Global-MMLU (the folder ar)",
        licence="Apache-2.0",
        split="test: as many as in MMLU",
        layout=("ar/test-*.parquet",),
    )
    FOLDER: ClassVar[str] = "Global-MMLU"
    EXAMPLE_SPLIT: ClassVar[str | None] = "dev"
    NORMALISED: ClassVar[bool] = False
    PREFIX: ClassVar[str] = "global_mmlu_ar_"
    FILES: ClassVar[str] = "ar/SPLIT-*.parquet"
    QUESTION: ClassVar[str] = "question"
    OPTIONS: ClassVar[tuple[str, ...]] = ("option_a", "option_b", "option_c", "option_d")
    ANSWER: ClassVar[str] = "answer"
    SUBJECT: ClassVar[str] = "subject"

    @property
    def task(self) -> Task:
        """lm-eval's global_mmlu_full_ar_SUBJECT."""
        return Task(f"global_mmlu_full_ar_{self.subject}", "global_mmlu/full/ar")


def subject_of(cell: str) -> str:
    """Return the subject that a cell names; in some of MMMLU's files it is a file's name ("anatomy_test.csv_…")."""
    return re.split(r"_test(?:\.csv|-)", cell)[0]
