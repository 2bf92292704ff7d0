"""What a benchmark is: items to ask, and the values that its predictions score."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from eval.errors import EvalError
from eval.items import Item, Prediction, Predictions

if TYPE_CHECKING:
    from data_prep.sources.source import About as SourceAbout

Verdict = dict[str, Any]
"""One verdict of a judge, as its file has it."""
Value = float | str | None
"""What an item scored; None, or the reason in words, for an item that belongs to the metric and has no score."""


@dataclass(frozen=True)
class Group:
    """A subgroup of the items: what they have in common, their ids, and what a reader of its score must know."""

    subgroup: Mapping[str, str]
    items: frozenset[str]
    note: str = ""


@dataclass(frozen=True)
class Metric:
    """One metric of one predictions file, as values of single items; `eval.scores` makes the means.

    Attributes:
        values: item id -> value. An item that does not belong to the metric is not in it.
        groups: the subgroups to score, all items as {} first; without any, all items alone.
        note: what a reader of every score must know.
        unit: "fraction" (shown in percent) or "score" (shown as it is).
    """

    values: Mapping[str, Value]
    groups: Sequence[Group] = ()
    note: str = ""
    unit: str = "fraction"


Metrics = dict[str, Metric]
"""Metrics by name."""


def groups_in(metric: Metric) -> Sequence[Group]:
    """Return the groups of a metric, all items as {} first."""
    return metric.groups or [Group({}, frozenset(metric.values))]


Scorer = Callable[[Predictions, Path], Metrics]
"""Scores a predictions file; the folder is the root of the benchmarks' files, for those that need some of them."""


@dataclass(frozen=True)
class About:
    """Facts about a benchmark for a reader of its scores.

    Attributes:
        title: its name in the field.
        table: where the paper reports it ("Table 5"), or "" for a benchmark beyond the paper.
        get: where its files are downloaded, and under which conditions.
        licence: SPDX identifier or name.
        split: the split that is scored, and its size as published.
        size: how many items that is; None where releases differ, or a benchmark of several parts says it elsewhere.
        layout: the files and folders that it reads, relative to the root.
        redistribute: whether its licence allows its texts and images in a report that is redistributed.
        note: what a reader of all its scores must know.
    """

    title: str
    table: str
    get: str
    licence: str
    split: str
    layout: tuple[str, ...]
    redistribute: bool = True
    size: int | None = None
    note: str = ""

    @classmethod
    def of(cls, source: SourceAbout, title: str, *, table: str, split: str, **others: Any) -> About:
        """The facts about a benchmark that is a split of a source; `others` replace the source's."""
        shared = {name: getattr(source, name) for name in ("get", "licence", "layout", "redistribute")}
        return cls(**{**shared, "title": title, "table": table, "split": split, **others})


class Benchmark(ABC):
    """One benchmark. `root` holds the folders of all sources and benchmarks; no file is read before it is needed."""

    ABOUT: ClassVar[About]
    SCORER: ClassVar[Scorer | None] = None
    """The function of eval.metrics that scores the predictions; without one, `metrics` is overridden."""
    MAX_NEW_TOKENS: ClassVar[int] = 64
    JUDGED: ClassVar[bool] = False
    """Whether scores need a judge's verdicts."""
    LIKELIHOOD: ClassVar[bool] = False
    """Whether options are scored by their likelihood, by lm-eval, in place of generated answers."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root

    @property
    def permuted(self) -> dict[str, int] | None:
        """The seed by which items show each other's images; None where they show their own."""
        return None

    @property
    def size(self) -> int | None:
        """How many items the split has as published, without versions in another language; None if unknown."""
        return self.ABOUT.size

    @abstractmethod
    def problems(self) -> list[str]:
        """What keeps the benchmark from running, each in one line with what to do; empty if it can run."""

    @abstractmethod
    def items(self) -> list[Item]:
        """The items, in a fixed order, with unique ids. Raises EvalError for a file that cannot be used."""

    def image(self, name: str) -> bytes:
        """The bytes of the image that an item names.

        Raises:
            EvalError: it is missing or cannot be read; the item is then unscored.
        """
        raise EvalError(f"{self.name}: {name}: this benchmark has no images.")

    def check_images(self, items: Sequence[Item]) -> None:  # noqa: B027 (most have nothing to check)
        """Check before a run that images are there, where that is cheap. Raises EvalError for one that is not."""

    def header(self, items: Sequence[Item], limit: int | None) -> dict[str, Any]:
        """What a predictions file's header says of the benchmark; `items` are all of them, whatever the limit."""
        about = {"name": self.name, "split": self.ABOUT.split, "sha256": self.sha256(items)}
        return {"benchmark": {**about, "licence": self.ABOUT.licence, "limit": limit}}

    def sha256(self, items: Sequence[Item] | None = None) -> str:
        """Hash all that is asked and expected: ids, messages, names of images, references, facts.

        `items` saves reading the files again.
        """
        digest = hashlib.sha256()
        for item in self.items() if items is None else items:
            content = [item.id, item.messages, item.images, item.gold, dict(item.facts)]
            digest.update(json.dumps(content, ensure_ascii=False, sort_keys=True).encode())
        return digest.hexdigest()

    def metrics(self, predictions: Predictions, verdicts: Sequence[Verdict] = ()) -> Metrics:
        """Score every prediction, with the judge's verdicts where JUDGED (else there are none)."""
        scorer = type(self).SCORER
        if scorer is None:
            raise TypeError(f"{type(self).__name__} names no SCORER and does not override `metrics`.")
        return scorer(predictions, self.root)


Measured = Mapping[str, float | None]
"""Metric -> value of one prediction. None: the item belongs to the metric and cannot be scored."""


def metrics_of(
    predictions: Predictions, measure: Callable[[Prediction], Measured], by: Sequence[str] = ("task", "modality")
) -> Metrics:
    """Measure every prediction, over all items and the subgroups of the keys in `by`.

    Versions of items in another language (facts.version_of) are in no group but that of their language.
    """
    groups = groups_of(predictions, by)
    return {name: Metric(values, groups) for name, values in values_of(predictions.lines, measure).items()}


def values_of(lines: Sequence[Prediction], measure: Callable[[Prediction], Measured]) -> dict[str, dict[str, Value]]:
    """Measure every prediction once: metric -> item -> value. A prediction with an error is unscored in each."""
    found: dict[str, dict[str, Value]] = {}
    for line in lines:
        for metric, value in measure(line).items():
            found.setdefault(metric, {})[line.item] = None if line.error else value
    return found


def own_lines(lines: Sequence[Prediction]) -> list[Prediction]:
    """Return the predictions of the benchmark's own items, not of their versions in another language."""
    return [line for line in lines if "version_of" not in line.facts]


def groups_of(predictions: Predictions, by: Sequence[str]) -> list[Group]:
    """Return all own items as {}, their subgroups, and where there are versions each language as a group."""
    own = own_lines(predictions.lines)
    groups = subgroups(own, *by)
    if len(own) < len(predictions.lines):
        groups += subgroups(predictions.lines, "language")[1:]
    return groups


def subgroups(lines: Sequence[Prediction], *keys: str) -> list[Group]:
    """Return all items as the group {}, then for each key its groups {key: value}, where it has several values.

    A key is a field of the prediction or one of its facts.
    """
    groups = [Group({}, ids(lines))]
    for key in keys:
        values = sorted({line.value_of(key) for line in lines})
        if len(values) > 1:
            groups += [group_of(lines, key, value) for value in values if value]
    return groups


def group_of(lines: Sequence[Prediction], key: str, value: str) -> Group:
    """Return the group of the predictions that have this value of a field or fact."""
    return Group({key: value}, ids([line for line in lines if line.value_of(key) == value]))


def ids(lines: Sequence[Prediction]) -> frozenset[str]:
    """Return the ids of the items that these predictions answer."""
    return frozenset(line.item for line in lines)
