"""MedAraBench (arXiv 2602.01714): Arabic multiple-choice questions of medical schools, read from the user's own copy.

The texts are as students typed them: dialect, missing options, Latin terms and letters in either case. The column
`Group` names how many options a question was meant to have; those that are there are asked.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, override

from data_prep.rows import Rejected
from eval.benchmark import About, Benchmark, Metrics, Verdict
from eval.benchmarks.source_benchmark import no_folder, question_turn, tell_left_out
from eval.errors import EvalError
from eval.items import Item, Predictions
from eval.metrics.choice import accuracy_by, choice_facts, letter_of, lettered

MAX_FIELD = 1 << 20
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
        size=4959,
        layout=(FILE,),
        redistribute=False,
    )

    @override
    def problems(self) -> list[str]:
        path = self.root / self.FOLDER / FILE
        return [] if path.is_file() else [no_folder(path, self.ABOUT.get, self.ABOUT.layout)]

    @override
    def items(self) -> list[Item]:
        """Rows without a question, or whose answer is none of their options, are left out."""
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

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Accuracy overall, by level and by specialty."""
        return accuracy_by(predictions, ("level", "specialty"))


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


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as a spreadsheet exports it, by column.

    It may have a byte order mark, and texts over many lines. Columns without a name are left out, texts are stripped.

    Raises:
        EvalError: the file cannot be read, is not UTF-8, or has no row, or a column's name twice.
    """
    csv.field_size_limit(MAX_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names, *rows = [[field.strip() for field in row] for row in csv.reader(file, strict=True) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise EvalError(f"{path}: not a CSV file in UTF-8 with a row of names ({error}). Download it again.") from error
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise EvalError(f"{path}: the column {twice[0]!r} comes twice. Download it again.")
    return [{name: value for name, value in zip(names, row, strict=False) if name} for row in rows]


def need_columns(path: Path, rows: list[dict[str, str]], *columns: str) -> None:
    """Check that a file has rows with these columns.

    Raises:
        EvalError: it has none, or lacks a column.
    """
    found = list(rows[0]) if rows else []
    missing = [column for column in columns if column not in found]
    if missing:
        wanted, there = ", ".join(missing), ", ".join(found) or "no rows"
        raise EvalError(f"{path}: no column {wanted}; it has {there}. Download it again.")


def refused(place: str, why: str) -> Rejected:
    """A row that cannot be asked."""
    return Rejected(place, "bad_row", why)
