"""Predictions -> scores.json: every metric overall, by language and by question kind, with n and standard error."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

from eval.errors import EvalError
from eval.items import Prediction
from eval.judge.verdicts import read_verdicts
from eval.metrics.exact import exact, normalise
from eval.metrics.multimedeval import VqaScore, is_closed, is_scorable, score_vqa
from eval.predictions import Predictions, read_all
from eval.registry import BENCHMARKS, ROOT, load
from eval.score import Score, Subgroup, standard_error

KINDS = {
    "vqa_closed": "closed",
    "vqa_short": "short",
    "vqa_open": "open",
    "conversation": "conversation",
    "text_qa": "text",
}
CLOSED_SHORT = "closed+short"


@dataclass(frozen=True)
class Metric:
    """A metric over the items that it is meant for; `value` gives None for an item that cannot be scored."""

    value: Callable[[Prediction], float | None]
    is_for: Callable[[Prediction], bool] = lambda prediction: True


def kind_of(prediction: Prediction) -> str:
    """Return the question kind of a prediction: its task's name, shortened."""
    task: str = prediction.task
    return KINDS.get(task, task)


def is_right(prediction: Prediction) -> bool | None:
    """Tell whether an answer is exact; None for an item that has no answer, or a gold of punctuation alone."""
    if prediction.error or not normalise(prediction.gold):
        return None
    return exact(prediction.output, prediction.gold)


# Six metrics in overlapping groups ask for the score of the same answer.
_score_vqa = lru_cache(maxsize=1 << 16)(score_vqa)


def _multimedeval(prediction: Prediction, value: Callable[[VqaScore], float]) -> float | None:
    if prediction.error or not is_scorable(prediction.gold):
        return None
    return value(_score_vqa(prediction.output, prediction.gold))


def _closed(prediction: Prediction) -> bool:
    return is_closed(prediction.gold)


def _open(prediction: Prediction) -> bool:
    return not is_closed(prediction.gold)


_bleu = partial(_multimedeval, value=lambda score: score.bleu)
_recall = partial(_multimedeval, value=lambda score: score.recall)
_f1 = partial(_multimedeval, value=lambda score: score.f1)
_correct = partial(_multimedeval, value=lambda score: score.correct)

METRICS = {
    "exact": Metric(is_right),
    "multimedeval.bleu": Metric(_bleu),
    "multimedeval.recall": Metric(_recall),
    "multimedeval.F1": Metric(_f1),
    "multimedeval.closedQuestionsAccuracy": Metric(_correct, is_for=_closed),
    "multimedeval.openQuestionsRecall": Metric(_recall, is_for=_open),
    "multimedeval.openQuestionsAccuracy": Metric(_correct, is_for=_open),
}


def score_file(predictions: Predictions) -> list[Score]:
    """Score one predictions file: overall, by language, by question kind, and closed and short items by language."""
    lines = predictions.lines
    languages = sorted({line.language for line in lines})
    kinds = sorted({kind_of(line) for line in lines})
    closed_short = [line for line in lines if kind_of(line) in {"closed", "short"}]
    groups: list[tuple[Subgroup, list[Prediction]]] = [({}, lines)]
    groups += [({"language": name}, [line for line in lines if line.language == name]) for name in languages]
    groups += [({"task": kind}, [line for line in lines if kind_of(line) == kind]) for kind in kinds]
    scores = [_score(predictions.name, metric, group, subgroup) for subgroup, group in groups for metric in METRICS]
    for name in languages:
        group = [line for line in closed_short if line.language == name]
        scores.append(_score(predictions.name, "exact", group, {"language": name, "task": CLOSED_SHORT}))
    return scores


def _score(name: str, metric: str, lines: Iterable[Prediction], subgroup: Subgroup) -> Score:
    results = [METRICS[metric].value(line) for line in lines if METRICS[metric].is_for(line)]
    values = [float(value) for value in results if value is not None]
    mean = statistics.fmean(values) if values else None
    return Score(name, metric, mean, len(values), standard_error(values), results.count(None), subgroup)


def score(results: Path, root: Path | None = None) -> list[Score]:
    """Score every predictions file of a results folder into its scores.json; no model and no benchmark's file is read.

    A benchmark's predictions are scored by the benchmark, a data set's by its question kinds. `root` tells benchmarks
    where their files are, for those that have some use for them.
    """
    scores = [line for predictions in read_all(results) for line in _scores_of(predictions, results, root)]
    path = results / "scores.json"
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps([asdict(line) for line in scores], indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return scores


def _scores_of(predictions: Predictions, results: Path, root: Path | None) -> list[Score]:
    if "benchmark" not in predictions.header:
        return score_file(predictions)
    name = predictions.header["benchmark"]["name"]
    if name not in BENCHMARKS:
        raise EvalError(f"{predictions.name}: predictions of an unknown benchmark, {name!r}.")
    benchmark = load(name, root or ROOT)
    verdicts = read_verdicts(results, predictions.name) if benchmark.JUDGED else []
    return benchmark.score(predictions, verdicts)
