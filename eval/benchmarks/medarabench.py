"""MedAraBench (arXiv 2602.01714): Arabic multiple-choice questions of medical schools, read from the user's own copy.

The texts are as students typed them: dialect, missing options, Latin terms and letters in either case. The column
`Group` names how many options a question was meant to have; those that are there are asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from data_prep.rows import Rejected
from eval.benchmark import About, Benchmark, Verdict
from eval.benchmarks.choice import accuracy, choice_facts, choice_scores, lettered
from eval.benchmarks.csv_rows import csv_rows, need_columns, refused
from eval.benchmarks.scoring import values_of
from eval.benchmarks.source import no_folder, question_turn, tell_left_out
from eval.errors import EvalError
from eval.items import Item
from eval.metrics.choice import letter_of
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values

FILE = "medarabench-test_split.csv"
OPTIONS = {letter: f"Option {letter}" for letter in "ABCDEF"}
INSTRUCTION = "اختر الإجابة الصحيحة، واكتب حرفها فقط."


class MedAraBench(Benchmark):
    """The test split. Subgroups by level, specialty and number of options are in `facts`."""

    FOLDER: ClassVar[str] = "MedAraBench"
    MAX_NEW_TOKENS: ClassVar[int] = 64
    ABOUT: ClassVar[About] = About(
        title="MedAraBench",
        table="",
        get="https://github.com/nyuad-cai/MedAraBench",
        licence="none stated: read your own copy, redistribute nothing",
        split="test (4,959 questions)",
        layout=(FILE,),
        redistribute=False,
    )

    def problems(self) -> list[str]:
        """As Benchmark says."""
        path = self.root / self.FOLDER / FILE
        return [] if path.is_file() else [no_folder(path, self.ABOUT.get, self.ABOUT.layout)]

    def items(self) -> list[Item]:
        """As Benchmark says. Rows without a question, or whose answer is none of their options, are left out."""
        path = self.root / self.FOLDER / FILE
        rows = csv_rows(path)
        need_columns(path, rows, "Question Number", "Question", "Correct Answer", *list(OPTIONS.values())[:2])
        items: list[Item] = []
        left_out: list[Rejected] = []
        for number, row in enumerate(rows, start=2):
            made = _item(f"row {number}", row)
            if isinstance(made, Item):
                items.append(made)
            else:
                left_out.append(made)
        if not items:
            raise EvalError(f"{path}: no question can be asked; the first is {left_out[0].id}: {left_out[0].detail}.")
        tell_left_out(self.name, len(rows), left_out)
        return items

    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """As Benchmark says."""
        return choice_scores(predictions, ("level", "specialty"))

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """As Benchmark says."""
        return values_of(predictions.lines, accuracy)


def _item(place: str, row: Mapping[str, str]) -> Item | Rejected:
    options = {letter: row[column] for letter, column in OPTIONS.items() if row.get(column)}
    right = letter_of(row.get("Correct Answer", ""))
    if not row.get("Question Number"):
        return refused(place, "no Question Number")
    if not row.get("Question"):
        return refused(place, "no Question")
    if right not in options:
        return refused(place, f"the answer is {row.get('Correct Answer', '')!r}, the options are {', '.join(options)}")
    question = lettered(row["Question"], options)
    facts = {
        "level": row.get("Level", ""),
        "specialty": row.get("umbrella_specialty", ""),
        "group": row.get("Group", ""),
    }
    return Item(
        id=f"medarabench-{row['Question Number']}",
        language="ar",
        task="text_choice",
        modality="text",
        messages=question_turn(f"{question}\n{INSTRUCTION}"),
        images=(),
        question=question,
        gold=f"{right}. {options[right]}",
        facts=choice_facts(options, right) | facts,
    )
