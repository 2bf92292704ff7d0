"""The English columns of the paper's Table 2 that lm-eval has: six subjects of MMLU, MedMCQA, MedQA and PubMedQA.

The files are read by the readers of the training data. Prompts, options and metrics are lm-eval's own, over the same
columns as its data on the Hub, so a number here is what lm-eval gives over the same rows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, override

from data_prep.rows import Reject, Rejected
from data_prep.sources.medmcqa import Medmcqa, first_option, right_option
from data_prep.sources.medqa import Medqa
from data_prep.sources.mmlu import Mmlu as MmluSource
from data_prep.sources.pubmedqa import Pubmedqa
from data_prep.sources.text_source import TextSource
from data_prep.tables.table import Table, all_rows
from eval.benchmark import About
from eval.benchmarks.multiple_choice import ChoiceBenchmark, Question, Task, lettered


class ReaderBenchmark(ChoiceBenchmark):
    """A benchmark whose files a reader of data_prep knows."""

    @abstractmethod
    def source(self, split: str) -> TextSource:
        """The reader of a split."""

    @abstractmethod
    def question(self, row_id: str, row: dict[str, Any], table: Table) -> Question:
        """The question of one row of the files. Raises KeyError, TypeError or ValueError for a row of another kind."""

    @override
    def missing(self, split: str) -> list[str]:
        return [problem.partition(": ")[2] for problem in self.source(split).problems()]

    @override
    def read(self, split: str) -> Iterator[Question | Rejected]:
        source = self.source(split)
        for table in source.tables():
            for place, row in all_rows(table):
                if isinstance(row, Rejected):
                    yield row
                elif self.belongs(source, row):
                    yield self._question(f"{table.path}: {place}", source.row_id(place, row), row, table)

    def belongs(self, source: TextSource, row: dict[str, Any]) -> bool:
        """Tell whether a row of the files is one of the split."""
        return True

    def _question(self, place: str, row_id: str, row: dict[str, Any], table: Table) -> Question | Rejected:
        try:
            return self.question(row_id, row, table)
        except (KeyError, TypeError, ValueError) as error:
            return Rejected(row_id, "bad_row", f"{place}: {type(error).__name__}: {error}")


MMLU_SIZES = {
    "clinical_knowledge": 265,
    "college_biology": 144,
    "college_medicine": 173,
    "medical_genetics": 100,
    "professional_medicine": 272,
    "anatomy": 135,
}
"""Questions of MMLU's test split by subject, and of its translations."""


class Mmlu(ReaderBenchmark):
    """One subject of MMLU; the benchmark's name is mmlu_SUBJECT."""

    ABOUT = About(
        title="MMLU, one clinical subject",
        table="Table 2",
        get="https://huggingface.co/datasets/cais/mmlu, or data.tar of github.com/hendrycks/test",
        licence="MIT",
        split="test: 1,089 in six subjects",
        layout=("SUBJECT/test-*.parquet", "or data/test/SUBJECT_test.csv"),
    )
    FOLDER: ClassVar[str] = "mmlu"
    EXAMPLE_SPLIT: ClassVar[str | None] = "dev"
    NORMALISED: ClassVar[bool] = False

    @property
    @override
    def size(self) -> int | None:
        return MMLU_SIZES.get(self.name.removeprefix("mmlu_"))

    @property
    def task(self) -> Task:
        """lm-eval's task of the same name."""
        return Task(self.name, "mmlu/default")

    @override
    def source(self, split: str) -> TextSource:
        return MmluSource(path=str(self.folder), split=split, subjects=[self.name.removeprefix("mmlu_")])

    @override
    def question(self, row_id: str, row: dict[str, Any], table: Table) -> Question:
        document = {name: row[name] for name in ("question", "choices", "answer")}
        return lettered(row_id, row["question"], row["choices"], row["answer"], document)


class MedMcqa(ReaderBenchmark):
    """MedMCQA; its validation split is the benchmark, since the answers of its test split are not public."""

    ABOUT = About.of(
        Medmcqa.ABOUT,
        "MedMCQA",
        table="Table 2",
        split="validation: 4,183",
        size=4183,
        layout=("data/validation-*.parquet", "or dev.json"),
    )
    FOLDER: ClassVar[str] = "medmcqa"
    TEST_SPLIT: ClassVar[str] = "validation"

    @property
    def task(self) -> Task:
        """lm-eval's medmcqa."""
        return Task("medmcqa", "medmcqa")

    @override
    def source(self, split: str) -> TextSource:
        return Medmcqa(path=str(self.folder), split=split)

    @override
    def question(self, row_id: str, row: dict[str, Any], table: Table) -> Question:
        """The right option is counted from another number in other files, or is text."""
        right = right_option(row, first_option(table.path))
        options = {name: row[name] for name in ("opa", "opb", "opc", "opd")}
        document = {"question": row["question"], **options, "cop": right}
        return lettered(row_id, row["question"], list(options.values()), right, document)


class MedQa(ReaderBenchmark):
    """MedQA, the English questions with four options."""

    ABOUT = About.of(
        Medqa.ABOUT,
        "MedQA (USMLE), four options",
        table="Table 2",
        split="test: 1,273",
        size=1273,
        layout=(
            "data_clean/questions/US/4_options/phrases_no_exclude_test.jsonl",
            "or data/test-*.parquet",
            "or test.json",
        ),
    )
    FOLDER: ClassVar[str] = "MedQA"

    @property
    def task(self) -> Task:
        """lm-eval's medqa_4options."""
        return Task("medqa_4options", "medqa")

    @override
    def source(self, split: str) -> TextSource:
        return Medqa(path=str(self.folder), split=split, options=4)

    @override
    def question(self, row_id: str, row: dict[str, Any], table: Table) -> Question:
        """Of the original's rows and of the Hub's."""
        if "options" in row:
            letters = sorted(row["options"])
            text, options = row["question"], [row["options"][letter] for letter in letters]
            right = letters.index(row["answer_idx"])
        else:
            text, options, right = row["sent1"], [row[f"ending{number}"] for number in range(4)], row["label"]
        document = {"sent1": text, **{f"ending{n}": option for n, option in enumerate(options)}, "label": right}
        return lettered(row_id, text, options, right, document)


class PubMedQa(ReaderBenchmark):
    """PubMedQA, the 500 labelled questions that its repository lists as the test set.

    lm-eval takes few-shot examples from the 450 training rows of the data's first fold. Which ones these are follows
    from a random split that is made by a script; here the examples come from all 500 labelled rows outside the test.
    """

    ABOUT = About.of(
        Pubmedqa.ABOUT,
        "PubMedQA, labelled",
        table="Table 2",
        get=Pubmedqa.ABOUT.get + "; data/test_ground_truth.json of github.com/pubmedqa/pubmedqa says which rows count",
        split="test: 500",
        size=500,
        layout=("ori_pqal.json or pqa_labeled/*.parquet", "test_ground_truth.json"),
    )
    FOLDER: ClassVar[str] = "pubmedqa"
    NORMALISED: ClassVar[bool] = False
    CHOICES: ClassVar[tuple[str, ...]] = ("yes", "no", "maybe")

    @property
    def task(self) -> Task:
        """lm-eval's pubmedqa."""
        return Task("pubmedqa", "pubmedqa")

    @override
    def source(self, split: str) -> TextSource:
        return Pubmedqa(path=str(self.folder), split=split, part="labeled")

    def belongs(self, source: TextSource, row: dict[str, Any]) -> bool:
        """One file holds both splits; a row that the reader rejects is left for `question` to name."""
        try:
            return source.sample("", row) is not None
        except Reject:
            return True

    @override
    def question(self, row_id: str, row: dict[str, Any], table: Table) -> Question:
        """Of the original's rows and of the Hub's."""
        contexts = row["CONTEXTS"] if "CONTEXTS" in row else row["context"]["contexts"]
        text = row["QUESTION"] if "QUESTION" in row else row["question"]
        decision = row["final_decision"].strip()
        document = {"QUESTION": text, "CONTEXTS": contexts, "final_decision": decision}
        right = self.CHOICES.index(decision)
        return Question(row_id, text, self.CHOICES, self.CHOICES, right, document, context="\n".join(contexts))
