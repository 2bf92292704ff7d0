"""MMLU, its six clinical subjects: a benchmark, read for evaluation and for comparison with training rows.

Three formats are read: the Hub's SUBJECT/SPLIT-*.parquet (`question`, `choices`, `answer` from 0), the original
SPLIT/SUBJECT_SPLIT.csv without a header (the question, four options, and the letter of the correct one), and Open Life
Science AI's nested rows, one dataset a subject: mmlu_SUBJECT/data/SPLIT-*.parquet.
Source: github.com/hendrycks/test, huggingface.co/datasets/cais/mmlu, openlifescienceai/mmlu_anatomy.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from data_prep.rows import Reject, Rejected, Sample
from data_prep.sources import hub, split_files
from data_prep.sources.nested import nested_question, option_number
from data_prep.sources.source import About, choice, field, wrong_choice
from data_prep.sources.split_files import Files
from data_prep.sources.text_source import TextSource, forms_at, number_of, paths_of, problems_of, table_of
from data_prep.tables.table import GeneratedTable, Table, all_rows

SUBJECTS = (
    "anatomy",
    "clinical_knowledge",
    "college_biology",
    "college_medicine",
    "medical_genetics",
    "professional_medicine",
)
_LETTERS = "ABCD"


@dataclass(frozen=True, kw_only=True)
class Mmlu(TextSource):
    """`subjects` are the subjects to read; the split `dev` holds the five examples of few-shot prompts."""

    ABOUT: ClassVar[About] = About(
        title="MMLU, clinical subjects",
        get="https://huggingface.co/datasets/cais/mmlu, or data.tar of github.com/hendrycks/test",
        licence="MIT",
        redistribute=True,
        layout=("anatomy/test-*.parquet", "or data/test/anatomy_test.csv"),
    )
    SPLITS: ClassVar[tuple[str, ...]] = ("dev", "validation", "test")

    split: str = "test"
    subjects: list[str] = default(default_factory=lambda: list(SUBJECTS))

    def problems(self) -> list[str]:
        """Unknown subjects, an unknown split, and the first subject whose file is missing."""
        found = [problem for subject in self.subjects for problem in wrong_choice("subjects", subject, SUBJECTS)]
        found += wrong_choice("split", self.split, self.SPLITS)
        if not self.subjects:
            found.append(f"subjects: an empty list; known: {', '.join(SUBJECTS)}")
        lacking = (problems_of("path", self.path, self._places(s), self._subject_forms(s)) for s in self.subjects)
        return found or next((problems for problems in lacking if problems), [])

    def form(self) -> str:
        """The form of the first subject, and those that are not read."""
        return split_files.said(self._subject_forms(self.subjects[0])) if self.subjects else ""

    def patterns(self) -> tuple[str, ...]:
        """The files of every subject."""
        return tuple(place for subject in self.subjects for place in self._places(subject))

    def tables(self) -> list[Table]:
        """One table per file; its rows name their subject."""
        files = [(s, path) for s in self.subjects for path in paths_of(self._subject_forms(s))]
        return [GeneratedTable(path, partial(_questions, path, subject)) for subject, path in files]

    def row_id(self, place: str, row: dict[str, Any]) -> str:
        """The split, the subject and the row."""
        return f"mmlu-{self.split}-{row['subject']}-{number_of(place)}"

    def sample(self, row_id: str, row: dict[str, Any]) -> Sample:
        """The question with its options. Raises Reject."""
        options, right = row.get("choices"), row.get("answer")
        if not isinstance(options, list) or not isinstance(right, int):
            raise Reject("bad_row", "no list under 'choices', or no number under 'answer'")
        texts = [str(option).strip() for option in options]
        return self.exchange(row_id, choice(field(row, "question"), texts, right), "text_choice")

    def _subject_forms(self, subject: str) -> list[Files]:
        found = forms_at(self.path, self._places(subject), (self.split,), subject)
        apart = Path(self.path) / f"mmlu_{subject}"
        return [*found, *split_files.on_the_hub(hub.locate(apart), (self.split,))]

    def _places(self, subject: str) -> tuple[str, ...]:
        original = "val" if self.split == "validation" else self.split
        name = f"{original}/{subject}_{original}.csv"
        return f"{subject}/{self.split}-*.parquet", f"data/{name}", name


def _questions(path: Path, subject: str) -> Iterator[tuple[str, dict[str, Any] | Rejected]]:
    """The questions of a file of either format, in the Hub's format."""
    if path.suffix != ".csv":
        for place, row in all_rows(table_of(path)):
            yield place, row if isinstance(row, Rejected) else {**_flat(row), "subject": subject}
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, cells in enumerate(csv.reader(file), start=1):
            place = f"row {number}"
            if len(cells) != 6 or cells[5].strip() not in _LETTERS:
                what = f"{path}: {place}: wanted: a question, four options and a letter of {_LETTERS}"
                yield place, Rejected(place, "bad_row", what)
                continue
            question, *options, letter = cells
            answer = _LETTERS.index(letter.strip())
            yield place, {"question": question, "choices": options, "answer": answer, "subject": subject}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A nested row in the format of the Hub's other ones, which are returned as they are."""
    nested = nested_question(row)
    if nested is None:
        return row
    return {"question": nested.text, "choices": [*nested.options.values()], "answer": option_number(nested)}
