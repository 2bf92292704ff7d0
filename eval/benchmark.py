"""What every benchmark has in common."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from eval.errors import EvalError
from eval.items import Item
from eval.predictions import Predictions
from eval.score import Score
from eval.statistics import Values

Verdict = dict[str, Any]


@dataclass(frozen=True)
class About:
    """What a reader of the numbers wants to know of a benchmark.

    Attributes:
        title: its name in the field.
        table: where the paper reports it ("Table 5"), or "" for a benchmark beyond the paper.
        get: where its files are had, and what that takes.
        licence: SPDX identifier or name.
        split: the split that is scored, and its size as published.
        layout: the files and folders that it wants, relative to the root.
        redistribute: whether its terms let its texts and pictures be shown in a report that is given on.
    """

    title: str
    table: str
    get: str
    licence: str
    split: str
    layout: tuple[str, ...]
    redistribute: bool = True


class Benchmark(ABC):
    """One benchmark. `root` holds the folders of all sources and benchmarks; nothing is read before it is asked for."""

    ABOUT: ClassVar[About]
    MAX_NEW_TOKENS: ClassVar[int] = 64
    JUDGED: ClassVar[bool] = False
    """Whether scores need a judge's verdicts."""
    LIKELIHOOD: ClassVar[bool] = False
    """Whether options are scored by their likelihood, by lm-eval, in place of generated answers."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root = name, root

    @abstractmethod
    def problems(self) -> list[str]:
        """What keeps the benchmark from running, each in one line with what to do; empty if nothing does."""

    @abstractmethod
    def items(self) -> list[Item]:
        """The items, in a fixed order, with unique ids. Raises EvalError for a file that cannot be used."""

    def image(self, name: str) -> bytes:
        """The bytes of the picture that an item names.

        Raises:
            EvalError: it is not there or cannot be read; the item is then unscored.
        """
        raise EvalError(f"{self.name}: {name}: this benchmark has no pictures.")

    def sha256(self, items: Sequence[Item] | None = None) -> str:
        """Hash all that is asked and expected: ids, messages, names of pictures, gold answers, facts.

        `items` saves reading the files again.
        """
        digest = hashlib.sha256()
        for item in self.items() if items is None else items:
            content = [item.id, item.messages, item.images, item.gold, dict(item.facts)]
            digest.update(json.dumps(content, ensure_ascii=False, sort_keys=True).encode())
        return digest.hexdigest()

    @abstractmethod
    def score(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> list[Score]:
        """Score the predictions, with the judge's verdicts where JUDGED (else there are none)."""

    def values(self, predictions: Predictions, verdicts: Sequence[Verdict]) -> Values:
        """The values of single items behind every metric that is a mean over items, for paired tests of two runs.

        A benchmark that has them scores with `eval.statistics.scores_from_values(name, values, groups)`; one that has
        none cannot be compared item by item.
        """
        return {}
