"""The content of a results folder: predictions, scores, and the run of each benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eval.benchmark import About
from eval.errors import EvalError
from eval.hub import short_name
from eval.items import Header, Predictions
from eval.predictions import read_all
from eval.registry import load, of_header
from eval.scores import Score


def read_scores(results: Path) -> list[Score]:
    """Read scores.json.

    Raises:
        EvalError: it is not there, or not a list of scores.
    """
    path = results / "scores.json"
    if not path.is_file():
        raise EvalError(f"{path}: no scores. Compute them with `python -m eval score {results}`.")
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))
        return [Score(**{**line, "interval": line.get("interval") and tuple(line["interval"])}) for line in lines]
    except (ValueError, TypeError, AttributeError) as error:
        raise EvalError(
            f"{path}: not a list of scores ({error}). Compute it again: `python -m eval score {results}`."
        ) from error


def about_benchmark(name: str) -> About | None:
    """The facts about a benchmark; None where it is unknown to this version or its package is not installed."""
    try:
        return load(name, Path()).ABOUT
    except (KeyError, ImportError):
        return None


def about_run(header: Header) -> About | None:
    """The facts about the benchmark of a run; None for a dataset's split, and where `about_benchmark` gives none."""
    try:
        return of_header(header, Path()).ABOUT if "benchmark" in header else None
    except (EvalError, ImportError):
        return None


@dataclass(frozen=True)
class Results:
    """The predictions and scores of one results folder."""

    folder: Path
    runs: list[Predictions]
    scores: list[Score]

    @classmethod
    def read(cls, folder: Path) -> Results:
        """Read a results folder. Raises EvalError where predictions or scores are missing or broken."""
        return cls(folder, read_all(folder), read_scores(folder))

    @property
    def data_runs(self) -> list[Predictions]:
        """The runs over dataset splits."""
        return [run for run in self.runs if "data" in run.header]

    @cached_property
    def benchmark_runs(self) -> dict[str, Predictions]:
        """The run of each benchmark; of several, the one named after the benchmark, else the first."""
        found: dict[str, Predictions] = {}
        for run in self.runs:
            benchmark = run.header.get("benchmark", {}).get("name")
            if benchmark and (benchmark not in found or run.name == benchmark):
                found[benchmark] = run
        return found

    @property
    def title(self) -> str:
        """The name of the model that answered the benchmarks: its folder's, or the server's name for it."""
        models = dict.fromkeys(str(run.header["model"]) for run in self.benchmark_runs.values())
        return ", ".join(map(short_name, models)) or self.folder.name

    def find(self, name: str, metric: str, subgroup: Mapping[str, str] | None = None) -> Score | None:
        """Return the score of a predictions file, a metric and a subgroup, or None."""
        return self._index.get((name, metric, frozenset((subgroup or {}).items())))

    @cached_property
    def _index(self) -> dict[tuple[str, str, frozenset[tuple[str, str]]], Score]:
        return {(score.name, score.metric, frozenset(score.subgroup.items())): score for score in self.scores}
