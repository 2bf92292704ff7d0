"""What the benchmarks of clinical knowledge share: questions with options, one of them right, scored by likelihood.

Each option is judged by the likelihood that the model gives it as the continuation of the prompt. lm-eval's accuracy
takes the likeliest; its normalised accuracy divides the logarithm by the option's number of characters first, which
changes nothing where the options are single letters.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep.rows import Rejected
from data_prep.tables.table import TableError
from eval.benchmark import Benchmark, Metric, Metrics, Verdict
from eval.benchmarks.source_benchmark import no_folder, question_turn, tell_left_out
from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Task:
    """A task of lm-eval: its name, and its folder below lm-eval's own tasks; without a folder it is one of ours."""

    name: str
    folder: str = ""


@dataclass(frozen=True)
class Question:
    """One multiple-choice question, its texts as the file has them.

    `choices` are what the model is asked to continue with (letters, or yes, no and maybe), `right` the index of the
    right one, `options` the texts behind them. `document` is the row in the columns that the task of lm-eval reads.
    `context` is what stands before the question.
    """

    id: str
    text: str
    options: tuple[str, ...]
    choices: tuple[str, ...]
    right: int
    document: dict[str, Any]
    context: str = ""


def lettered(
    row_id: str, text: str, options: Sequence[str], right: int, document: dict[str, Any], *, count: int | None = 4
) -> Question:
    """Return a question whose options have letters; `count` is how many options it must have, None for any number.

    Raises:
        ValueError: there is no option of that number, or not as many options.
    """
    if not 0 <= right < len(options) <= len(LETTERS):
        raise ValueError(f"the right answer is option {right + 1} of {len(options)}")
    if count is not None and len(options) != count:
        raise ValueError(f"{len(options)} options instead of {count}")
    return Question(row_id, text, tuple(options), tuple(LETTERS[: len(options)]), right, document)


class ChoiceBenchmark(Benchmark):
    """A benchmark of multiple-choice questions, in `FOLDER` below the root.

    `TEST_SPLIT` and `EXAMPLE_SPLIT` are the names that the task of lm-eval gives to the scored split and to the one
    that its few-shot examples come from; no such split, no few-shot prompts. `NORMALISED` tells whether lm-eval gives
    the task a normalised accuracy.
    """

    LIKELIHOOD: ClassVar[bool] = True
    LANGUAGE: ClassVar[str] = "en"
    FOLDER: ClassVar[str]
    TEST_SPLIT: ClassVar[str] = "test"
    EXAMPLE_SPLIT: ClassVar[str | None] = "train"
    NORMALISED: ClassVar[bool] = True

    @property
    @abstractmethod
    def task(self) -> Task:
        """The task of lm-eval that words the prompts."""

    @abstractmethod
    def missing(self, split: str) -> list[str]:
        """What files of a split are not there, each in one line; the folder is."""

    @abstractmethod
    def read(self, split: str) -> Iterator[Question | Rejected]:
        """The rows of a split, in the order of its files. May raise TableError, OSError or ValueError for a file."""

    @property
    def folder(self) -> Path:
        """Where the benchmark's files are."""
        return self.root / self.FOLDER

    @override
    def problems(self) -> list[str]:
        if not self.folder.is_dir():
            return [no_folder(self.folder, self.ABOUT.get, self.ABOUT.layout)]
        return [f"{problem}. Get it: {self.ABOUT.get}." for problem in self.missing(self.TEST_SPLIT)]

    @override
    def items(self) -> list[Item]:
        """A question has its lettered options with it. Rows that cannot be asked are told."""
        return [self._item(question) for question in self.questions()]

    def questions(self) -> list[Question]:
        """The scored questions, in the order of the files.

        Raises:
            EvalError: a file cannot be read, or none of its rows can be used.
        """
        return self._questions

    def examples(self) -> list[dict[str, Any]]:
        """The documents that few-shot examples are taken from.

        Raises:
            EvalError: there are none, or their files cannot be read.
        """
        for problem in self.example_problems():
            raise EvalError(f"{self.name}: {problem}")
        return self._examples

    def example_problems(self) -> list[str]:
        """What keeps the benchmark from prompts with examples, each in one line with what to do."""
        if self.EXAMPLE_SPLIT is None:
            return ["it has no split for few-shot examples. Run it with --shots 0."]
        missing = self.missing(self.EXAMPLE_SPLIT)
        return [f"--shots takes examples from the split {self.EXAMPLE_SPLIT}. {problem}." for problem in missing]

    @cached_property
    def _questions(self) -> list[Question]:
        return self._usable(self.TEST_SPLIT)

    @cached_property
    def _examples(self) -> list[dict[str, Any]]:
        return [question.document for question in self._usable(self.EXAMPLE_SPLIT or "")]

    def _usable(self, split: str) -> list[Question]:
        try:
            rows = list(self.read(split))
        except (TableError, OSError, ValueError) as error:
            raise EvalError(f"{self.name}: {error}") from error
        left_out = [row for row in rows if isinstance(row, Rejected)]
        if len(left_out) == len(rows):
            why = f"the first is {left_out[0].id}: {left_out[0].detail}" if left_out else "there is none"
            raise EvalError(f"{self.folder}: no row of {self.name} can be used; {why}. Get it: {self.ABOUT.get}.")
        tell_left_out(self.name, len(rows), left_out)
        return [row for row in rows if isinstance(row, Question)]

    def _item(self, question: Question) -> Item:
        named = question.options != question.choices
        lines = [f"{letter}. {text}" for letter, text in zip(question.choices, question.options, strict=True)]
        text = "\n".join([question.text, *(lines if named else ())])
        return Item(
            id=question.id,
            language=self.LANGUAGE,
            task=self.name,
            modality="text",
            messages=question_turn("\n".join(part for part in (question.context, text) if part)),
            images=(),
            question=text,
            gold=question.choices[question.right],
            facts={"options": list(question.choices), "texts": list(question.options)},
        )

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Accuracy, and where lm-eval has it normalised accuracy, from the likelihoods."""
        shots = predictions.header.get("likelihood", {}).get("shots", 0)
        cut = sum(bool(line.facts.get("cut")) for line in predictions.lines)
        note = f"{shots}-shot" + (
            f"; {cut} prompts were too long for the model and lost their beginning" if cut else ""
        )
        normalised = {"accuracy": False} | ({"accuracy_norm": True} if self.NORMALISED else {})
        return {
            metric: Metric({line.item: is_right(line, normalised=by_length) for line in predictions.lines}, note=note)
            for metric, by_length in normalised.items()
        }


def is_right(line: Prediction, *, normalised: bool) -> float | None:
    """Tell whether the likeliest option is the right one; None for an item that has no likelihoods.

    Of equally likely options the first counts, as in lm-eval.
    """
    if line.error:
        return None
    facts = line.facts
    return float(facts["options"][likeliest(facts, normalised=normalised)] == line.gold)


def likeliest(facts: Mapping[str, Any], *, normalised: bool = False) -> int:
    """Return the index of the likeliest option, by log-likelihood or by log-likelihood a character."""
    lengths = facts["lengths"] if normalised else [1] * len(facts["options"])
    values = [value / length for value, length in zip(facts["loglikelihoods"], lengths, strict=True)]
    return max(range(len(values)), key=values.__getitem__)
