"""The benchmark that a YAML file describes; see `task_file`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, override

from data_prep.images.image_folder import ImageFolder
from data_prep.rows import Reject, Rejected
from data_prep.sources import hub
from data_prep.tables.parquet import image_bytes
from data_prep.tables.table import TableError
from eval.benchmark import About, Benchmark, Measured, Metrics, Verdict, metrics_of
from eval.benchmarks.source_benchmark import no_folder, tell_left_out
from eval.benchmarks.task_file import CHOICE, LEAVE_OUT, REPORT, SHIPPED, TaskFile, read_task, task_of
from eval.benchmarks.task_rows import EMBEDDED, TaskRows
from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions
from eval.metrics.choice import accuracy_by
from eval.metrics.reasoning import of_answers
from eval.metrics.reports.values import reports
from eval.metrics.text_match import bleu1, exact_value, normalise, rouge_l

SHOWN = 5
"""Faulty rows that a message names."""


class TaskBenchmark(Benchmark):
    """`place` is the folder that the task's `folder` is relative to; `wrong` what is wrong with its file."""

    def __init__(
        self, name: str, root: Path, task: TaskFile, place: Path | None = None, wrong: Sequence[str] = ()
    ) -> None:
        super().__init__(name, root)
        self.task, self._wrong, self._own = task, list(wrong), place is not None
        self.FOLDER = task.folder
        self.folder = (root if place is None else place) / task.folder
        self.ABOUT = about_of(task)  # type: ignore[misc]  # of one file, where other benchmarks have a class each
        self.MAX_NEW_TOKENS = task.max_new_tokens  # type: ignore[misc]

    @override
    def problems(self) -> list[str]:
        if not self.folder.is_dir():
            return [no_folder(self.folder, self.ABOUT.get, self.ABOUT.layout)]
        found = self._rows.problems()
        if "image" in self.task.columns and not self._embedded:
            found += [problem.removeprefix(": ") for problem in self._images.problems("")]
        return [f"{problem}. Get it: {self.ABOUT.get}." for problem in found]

    @override
    def items(self) -> list[Item]:
        """Every row that can be asked.

        Raises:
            EvalError: an unknown key, a missing column, an id that comes twice, or, unless such rows are to be left
                out, an answer that is none of the options; all together.
        """
        wrong = list(self._wrong)
        try:
            rows = self._rows.items()
        except EvalError as error:
            raise EvalError(f"{self.name}: {'; '.join([*wrong, str(error)])}.") from error
        items = [row for row in rows if isinstance(row, Item)]
        left_out = [row for row in rows if isinstance(row, Rejected)]
        twice = [item for item, count in Counter(item.id for item in items).items() if count > 1]
        if twice:
            wrong.append(f"{len(twice)} ids come twice ({', '.join(twice[:SHOWN])})")
        if left_out and self.task.faulty_rows != LEAVE_OUT:
            faults = "; ".join(f"{row.id}: {row.detail}" for row in left_out[:SHOWN])
            wrong.append(f"{len(left_out)} of {len(rows)} rows cannot be asked ({faults})")
        if not items and not wrong:
            why = f"the first is {left_out[0].id}: {left_out[0].detail}" if left_out else "there is none"
            wrong.append(f"no question can be asked; {why}")
        if wrong:
            raise EvalError(f"{self.name}: {self.folder}: {'; '.join(wrong)}.")
        tell_left_out(self.name, len(rows), left_out)
        return items

    @override
    def image(self, name: str) -> bytes:
        try:
            if self._embedded and EMBEDDED in name:
                file, _, row = name.rpartition(EMBEDDED)
                column = str(self.task.columns["image"])
                return image_bytes(next(hub.folder(self.folder).rglob(file)), int(row), column)
            return self._images.read(name).data
        except (Reject, TableError, OSError, StopIteration) as error:
            raise EvalError(f"{self.name}: {name}: {error}") from error

    @override
    def header(self, items: Sequence[Item], limit: int | None) -> dict[str, Any]:
        """A task of a user's own is in the header whole, so that its predictions can be scored without its file."""
        header = super().header(items, limit)
        return {"benchmark": header["benchmark"] | {"task_file": self.task.record()}} if self._own else header

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        if self.task.scorer == CHOICE:
            return accuracy_by(predictions, self.task.by)
        if self.task.scorer == REPORT:
            return reports(predictions, self.root)
        return of_answers(partial(metrics_of, measure=_short, by=self.task.by), predictions)

    @cached_property
    def _rows(self) -> TaskRows:
        return TaskRows(self.name, self.task, self.folder)

    @cached_property
    def _images(self) -> ImageFolder:
        folder = hub.folder(self.folder)
        there = [folder / name for name in self.task.images if (folder / name).exists()]
        return ImageFolder(*(there or [folder / self.task.images[0]]))

    @cached_property
    def _embedded(self) -> bool:
        return self._rows.embeds_images()


def about_of(task: TaskFile) -> About:
    """The facts about a task for a reader of its scores."""
    size = f" ({task.size:,} questions)" if task.size else ""
    images = tuple(f"{task.images[0]}/" if "." not in name else name for name in task.images[:1] if name != ".")
    return About(
        title=task.title,
        table="",
        get=task.get,
        licence=task.licence,
        split=f"{task.split}{size}",
        layout=(" or ".join(task.files), *(images if "image" in task.columns else ())),
        redistribute=task.redistribute,
        size=task.size,
    )


def _short(line: Prediction) -> Measured:
    pair = normalise(line.output), normalise(line.gold)
    return {"exact": exact_value(line.output, line.gold), "ours.bleu1": bleu1(*pair), "ours.rougeL": rouge_l(*pair)}


def shipped(name: str, root: Path) -> TaskBenchmark:
    """The benchmark of one of this project's own files."""
    task, wrong = read_task(SHIPPED / f"{name}.yml")
    return TaskBenchmark(name, root, task, wrong=wrong)


def own(path: Path, root: Path) -> TaskBenchmark:
    """The benchmark of a user's own file, under the file's name. Raises EvalError for a file that cannot be used."""
    task, wrong = read_task(path)
    return TaskBenchmark(path.stem, root, task, path.resolve().parent, wrong)


def of_record(name: str, root: Path, record: Mapping[str, Any]) -> TaskBenchmark:
    """The benchmark of a header that holds a user's task; it scores, and asks nothing."""
    task, wrong = task_of(record, name)
    return TaskBenchmark(name, root, task, root, wrong)
