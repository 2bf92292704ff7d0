"""A results folder as a report reads it: predictions, scores, and which file answers which benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eval.errors import EvalError
from eval.items import Predictions
from eval.predictions import read_all
from eval.scores import Score


def read_scores(results: Path) -> list[Score]:
    """Read scores.json.

    Raises:
        EvalError: it is not there, or not a list of scores.
    """
    path = results / "scores.json"
    if not path.is_file():
        raise EvalError(f"{path}: no scores. Make them with `python -m eval score {results}`.")
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))
        return [Score(**{**line, "interval": line.get("interval") and tuple(line["interval"])}) for line in lines]
    except (ValueError, TypeError, AttributeError) as error:
        raise EvalError(f"{path}: not scores ({error}). Make them again: `python -m eval score {results}`.") from error


def _short(model: str) -> str:
    """The last part of a name; of a folder called `merged`, as `axolotl merge-lora` calls it, the part before."""
    path = Path(model)
    return (path.parent.name if path.name == "merged" else path.name) or model


@dataclass(frozen=True)
class Results:
    """What one results folder holds."""

    folder: Path
    runs: list[Predictions]
    scores: list[Score]

    @classmethod
    def read(cls, folder: Path) -> Results:
        """Read a results folder. Raises EvalError where predictions or scores are missing or broken."""
        return cls(folder, read_all(folder), read_scores(folder))

    @property
    def data_runs(self) -> list[Predictions]:
        """The runs over splits of data sets."""
        return [run for run in self.runs if "data" in run.header]

    @cached_property
    def benchmark_runs(self) -> dict[str, Predictions]:
        """Benchmark -> its run; of several files of one benchmark the one that has its name, else the first."""
        found: dict[str, Predictions] = {}
        for run in self.runs:
            benchmark = run.header.get("benchmark", {}).get("name")
            if benchmark and (benchmark not in found or run.name == benchmark):
                found[benchmark] = run
        return found

    @property
    def title(self) -> str:
        """The name of the model that answered the benchmarks, as its folder or its server has it."""
        models = dict.fromkeys(str(run.header["model"]) for run in self.benchmark_runs.values())
        return ", ".join(map(_short, models)) or self.folder.name

    def find(self, name: str, metric: str, subgroup: Mapping[str, str] | None = None) -> Score | None:
        """Return the score of a predictions file, a metric and a subgroup, or None."""
        return self._index.get((name, metric, frozenset((subgroup or {}).items())))

    @cached_property
    def _index(self) -> dict[tuple[str, str, frozenset[tuple[str, str]]], Score]:
        return {(score.name, score.metric, frozenset(score.subgroup.items())): score for score in self.scores}
