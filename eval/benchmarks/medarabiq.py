"""MedArabiQ (arXiv 2505.03427): seven Arabic medical tasks of 100 items, read from the user's own copy.

Questions with options are scored by the option that the answer chooses; gaps to fill without options by exact match,
BLEU-1 and ROUGE-L; answers to patients by BLEU-1 and ROUGE-L, which say little of their worth. Where a question comes
with a bias built in, that form is asked.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, override

from data_prep.rows import Rejected
from eval.benchmark import About, Benchmark, Measured, Metrics, Verdict, metrics_of
from eval.benchmarks.source_benchmark import no_folder, question_turn, tell_left_out
from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions
from eval.metrics.choice import accuracy_by, choice_facts
from eval.metrics.choice_reader import chosen
from eval.metrics.option_letters import ASK_FOR_LETTER, split_options
from eval.metrics.reasoning import of_answers
from eval.metrics.text_match import bleu1, exact_value, normalise, rouge_l

MAX_FIELD = 1 << 20
CHOOSE = ASK_FOR_LETTER["ar"]
BRIEFLY = "اكتب ما يملأ الفراغ فقط."


@dataclass(frozen=True)
class Task:
    """One file of the benchmark, and the instruction that stands below its questions."""

    name: str
    file: str
    instruction: str = ""

    @property
    def chooses(self) -> bool:
        """Whether its questions have options."""
        return self.instruction == CHOOSE


TASKS = (
    Task("multiple_choice", "multiple-choice-questions.csv", CHOOSE),
    Task("multiple_choice_bias", "multiple-choice-withbias.csv", CHOOSE),
    Task("blank_choices", "fill-in-the-blank-choices.csv", CHOOSE),
    Task("blank", "fill-in-the-blank-nochoices.csv", BRIEFLY),
    Task("patient_doctor", "patient-doctor-qa.csv"),
    Task("patient_doctor_corrected", "patient-doctor-qa-gec.csv"),
    Task("patient_doctor_rewritten", "patient-doctor-qa-llm.csv"),
)
QUESTIONS = ("question with bias", "question - arabic", "question")
ANSWERS = ("answer - arabic", "answer")


class MedArabiQ(Benchmark):
    """All seven tasks; `task` and `category` tell them apart."""

    FOLDER: ClassVar[str] = "MedArabiQ"
    MAX_NEW_TOKENS: ClassVar[int] = 256
    ABOUT: ClassVar[About] = About(
        title="MedArabiQ",
        table="",
        get="https://github.com/nyuad-cai/MedArabiQ",
        licence="New York University: internal non-commercial research, no redistribution",
        split="all (7 tasks of 100 items)",
        size=700,
        layout=tuple(f"datasets/{task.file}" for task in TASKS),
        redistribute=False,
    )

    @override
    def problems(self) -> list[str]:
        if not self._folder.is_dir():
            return [no_folder(self._folder, self.ABOUT.get, self.ABOUT.layout)]
        missing = [task.file for task in TASKS if not (self._folder / task.file).is_file()]
        return [f"{self._folder}: no {', '.join(missing)}. Get it: {self.ABOUT.get}."] if missing else []

    @override
    def items(self) -> list[Item]:
        """Rows that cannot be asked are left out."""
        items: list[Item] = []
        left_out: list[Rejected] = []
        for task in TASKS:
            made = _items(task, self._folder / task.file)
            items += [each for each in made if isinstance(each, Item)]
            left_out += [each for each in made if isinstance(each, Rejected)]
        tell_left_out(self.name, len(items) + len(left_out), left_out)
        return items

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """`accuracy` of the questions with options, the other metrics of those without; overall and by task.

        `ours.*` read Arabic in one spelling: published BLEU and ROUGE-L are other numbers.
        """
        lines = predictions.lines
        choosing = replace(predictions, lines=[line for line in lines if "options" in line.facts])
        writing = replace(predictions, lines=[line for line in lines if "options" not in line.facts])
        written = of_answers(lambda answers: metrics_of(answers, _written, ("task",)), writing)
        return {**accuracy_by(choosing, ("task",)), **written}

    @property
    def _folder(self) -> Path:
        return self.root / self.FOLDER / "datasets"


def _items(task: Task, path: Path) -> list[Item | Rejected]:
    rows = csv_rows(path)
    question, answer = (_column(path, rows, names) for names in (QUESTIONS, ANSWERS))
    return [_item(task, number, row, question, answer) for number, row in enumerate(rows, start=1)]


def _column(path: Path, rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> str:
    """The column of one of these names, or else the first that has the last of them in its own."""
    there = {column.casefold(): column for column in (rows[0] if rows else {})}
    named = next((there[name] for name in names if name in there), None)
    inside = next((column for folded, column in there.items() if names[-1] in folded), None)
    if not (named or inside):
        raise EvalError(
            f"{path}: no column {names[-1]}; it has {', '.join(there.values()) or 'no rows'}. Get it again."
        )
    return named or inside or ""


def _item(task: Task, number: int, row: Mapping[str, str], question_column: str, answer_column: str) -> Item | Rejected:
    row_id = f"medarabiq-{task.name}-{number}"
    question, answer = row.get(question_column, ""), row.get(answer_column, "")
    if not question or not normalise(answer):
        return refused(row_id, f"no {answer_column if question else question_column}")
    facts: dict[str, object] = {"task": task.name, "category": row.get("Category", "")}
    if task.chooses:
        _, options = split_options(question)
        right = chosen(answer, options)
        if right is None:
            return refused(row_id, f"the answer is none of its options, {', '.join(options) or 'which are missing'}")
        facts |= choice_facts(options, right)
    return Item(
        id=row_id,
        language="ar",
        task=task.name,
        modality="text",
        messages=question_turn("\n".join(filter(None, [question, task.instruction]))),
        images=(),
        question=question,
        gold=answer,
        facts=facts,
    )


def _written(line: Prediction) -> Measured:
    overlap: Measured = {
        "ours.bleu1": bleu1(normalise(line.output), normalise(line.gold)),
        "ours.rougeL": rouge_l(normalise(line.output), normalise(line.gold)),
    }
    return {"exact": exact_value(line.output, line.gold), **overlap} if line.facts["task"] == "blank" else overlap


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


def refused(place: str, why: str) -> Rejected:
    """A row that cannot be asked."""
    return Rejected(place, "bad_row", why)
