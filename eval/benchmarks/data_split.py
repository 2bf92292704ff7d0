"""A split of a dataset of ours as a benchmark: one item for each assistant turn of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, override

from data_prep.images.store import ImageStore, ImageStoreError
from eval.benchmark import About, Benchmark, Group, Metric, Metrics, Verdict, group_of, ids, values_of
from eval.dataset import DataSet, Row, permute_images
from eval.errors import EvalError
from eval.items import Header, Item, Message, Part, Prediction, Predictions, text_of
from eval.metrics.reasoning import of_answers, without_reasoning
from eval.metrics.text_match import exact_value
from eval.metrics.vqa import multimedeval

PERMUTATION_SEED = 0
KINDS = {
    "vqa_closed": "closed",
    "vqa_short": "short",
    "vqa_open": "open",
    "conversation": "conversation",
    "text_qa": "text",
}
CLOSED_SHORT = "closed+short"


@dataclass(frozen=True)
class Selection:
    """Which rows of a dataset are asked, and whether they show each other's images. `tasks` empty means all."""

    split: str
    permute: bool = False
    tasks: tuple[str, ...] = ()


class DataSplit(Benchmark):
    """The rows that a selection takes from the dataset in a folder."""

    MAX_NEW_TOKENS: ClassVar[int] = 32
    ABOUT: ClassVar[About] = About("A split of a dataset", "", "python -m data_prep build", "see its card", "", ())

    def __init__(self, folder: Path, selection: Selection, name: str = "") -> None:
        """Make it of a folder, which is read when it is needed; `name` is the dataset's, by default its manifest's."""
        self.selection, self.dataset_name = selection, name or DataSet.open(folder).name
        super().__init__(f"{self.dataset_name}/{selection.split}", folder)

    @classmethod
    def of_header(cls, header: Header) -> DataSplit:
        """The split whose predictions a file with this header holds; the dataset may be gone."""
        about = header["data"]
        selection = Selection(about["split"], header["permuted"] is not None, tuple(about.get("tasks", ())))
        return cls(Path(about["folder"]), selection, about["name"])

    @property
    @override
    def permuted(self) -> dict[str, int] | None:
        return {"seed": PERMUTATION_SEED} if self.selection.permute else None

    @cached_property
    def data(self) -> DataSet:
        """The dataset. Raises EvalError for a folder that is not a complete one."""
        return DataSet.open(self.root)

    @override
    def problems(self) -> list[str]:
        try:
            return [] if self.selection.split in self.data.splits() else [f"no split {self.selection.split!r}"]
        except EvalError as error:
            return [str(error)]

    @override
    def items(self) -> list[Item]:
        """The selected items, in the order of the dataset."""
        rows = self.data.rows(self.selection.split)
        if self.selection.permute:
            rows = permute_images(rows, PERMUTATION_SEED)
        tasks = self.selection.tasks
        items = [item for item in items_of(rows) if not tasks or item.task in tasks]
        if not items:
            raise EvalError(f"{self.root}: split {self.selection.split!r} has no item of the tasks {tasks}.")
        return items

    @override
    def image(self, name: str) -> bytes:
        try:
            return self._store.bytes(name)
        except (ImageStoreError, KeyError) as error:
            raise EvalError(f"{self.name}: {error}") from error

    @override
    def check_images(self, items: Sequence[Item]) -> None:
        """Look every key up before the work starts; an image store is opened only if an item has an image."""
        for item in items:
            for key in item.images:
                if key not in self._store:
                    raise EvalError(
                        f"{self.root / 'images'}: no image {key!r}, which item {item.id!r} shows. Build the data again."
                    )

    @cached_property
    def _store(self) -> ImageStore:
        try:
            return ImageStore(self.root / "images")
        except ImageStoreError as error:
            raise EvalError(str(error)) from error

    @override
    def header(self, items: Sequence[Item], limit: int | None) -> dict[str, Any]:
        about = {
            "folder": self.root.as_posix(),
            "name": self.data.name,
            "manifest_sha256": self.data.manifest_sha256,
            "counts": self.data.manifest.get("counts", {}),
            "split": self.selection.split,
            "tasks": list(self.selection.tasks),
            "limit": limit,
        }
        return {"data": about}

    @override
    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Exact match and MultiMedEval's VQA metrics: overall, by language, by question kind.

        Exact match also of closed and short answers together, by language.
        """
        lines = predictions.lines
        languages = sorted({line.language for line in lines})
        kinds = sorted({kind_of(line) for line in lines})
        groups = [Group({}, ids(lines)), *(group_of(lines, "language", name) for name in languages)]
        groups += [Group({"task": kind}, ids([line for line in lines if kind_of(line) == kind])) for kind in kinds]
        both = [line for line in lines if kind_of(line) in ("closed", "short")]
        by_language = [_closed_short(both, name) for name in languages]

        def exact(answers: Predictions) -> Metrics:
            (values,) = values_of(answers.lines, _exact).values() if lines else ({},)
            return {"exact": Metric(values, [*groups, *by_language])}

        return {**of_answers(exact, predictions), **multimedeval(predictions, groups)}


def kind_of(prediction: Prediction) -> str:
    """Return the question kind of a prediction: its task's name, shortened."""
    return KINDS.get(prediction.task, prediction.task)


def is_right(prediction: Prediction) -> bool | None:
    """Tell whether an answer is exact; None for an item that has no answer, or a reference of punctuation alone."""
    return None if prediction.error else exact_value(without_reasoning(prediction.output), prediction.gold)


def _exact(line: Prediction) -> Mapping[str, float | None]:
    return {"exact": exact_value(line.output, line.gold)}


def _closed_short(lines: Sequence[Prediction], language: str) -> Group:
    return Group({"language": language, "task": CLOSED_SHORT}, group_of(lines, "language", language).items)


def items_of(rows: Sequence[Row]) -> list[Item]:
    """Make an item of every assistant turn, with the turns before it as they stand in the row."""
    return [item for row in rows for item in _items_of_row(row)]


def _items_of_row(row: Row) -> list[Item]:
    items: list[Item] = []
    history: list[Message] = []
    images_shown = 0
    for message in row["messages"]:
        if message["role"] == "assistant":
            items.append(
                Item(
                    id=f"{row['id']}#{len(items)}",
                    language=row["language"],
                    task=row["task"],
                    modality=row["modality"],
                    messages=tuple(history),
                    images=tuple((row["images"] or [])[:images_shown]),
                    question=text_of(history[-1]),
                    gold=text_of(message),
                    facts={"row": row["id"]} | ({"parent": row["parent"]} if row.get("parent") else {}),
                )
            )
        parts = [_part(part) for part in message["content"]]
        images_shown += sum(part["type"] == "image" for part in parts)
        history.append({"role": message["role"], "content": parts})
    return items


def _part(part: dict[str, Any]) -> Part:
    return {"type": "image"} if part["type"] == "image" else {"type": "text", "text": part["text"]}
