"""The rows of the report's own tables: scores of dataset splits and of benchmarks, as text."""

from __future__ import annotations

from typing import Any

from eval.benchmarks.data_split import CLOSED_SHORT
from eval.extent import Extent
from eval.items import Predictions
from eval.report.results import Results
from eval.scores import Score

LANGUAGES = {"en": "English", "ar": "Arabic"}
MULTIMEDEVAL = (
    "closedQuestionsAccuracy",
    "openQuestionsAccuracy",
    "openQuestionsRecall",
    "recall",
    "F1",
    "bleu",
)
Table = list[list[str]]


def label(predictions: Predictions) -> str:
    """Describe a run: the benchmark; or model, split, and what was done with the images."""
    header = predictions.header
    if "data" not in header:
        images = Extent.of(predictions).images
        return f"{header['benchmark']['name']} ({images})" if images else header["benchmark"]["name"]
    split = f"{header['data']['name']}/{header['data']['split']}"
    if header["images"] == "not shown":
        return f"base model, images not shown, {split}"
    return f"trained, images permuted, {split}" if header["permuted"] else f"trained, {split}"


def value_text(score: Score | None) -> str:
    """Format a score, fractions in percent, with its 95% interval, n, the number of unscored items, and its caution.

    The last two only where there are any.
    """
    if score is None or score.n + score.unscored == 0:
        return "-"
    rest = f", {score.unscored} unscored" if score.unscored else ""
    rest += f"; {score.caution}" if score.caution else ""
    if score.value is None:
        return f"- (n=0{rest})"
    scale, digits = (100, 1) if score.unit == "fraction" else (1, 3)
    bounds = [f"{scale * bound:.{digits}f}" for bound in score.interval or ()]
    interval = f" [{', '.join(bounds)}]" if bounds else ""
    return f"{scale * score.value:.{digits}f}{interval} (n={score.n}{rest})"


def p_text(value: float) -> str:
    """Format a p."""
    return f"{value:.3f}" if value >= 0.001 else "<0.001"


def in_words(value: Any) -> str:
    """Format a value of a header as plain text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(in_words, value)) or "all"
    return "none" if value is None else str(value)


def exact_table(results: Results) -> Table:
    """Tabulate the exact match of closed and short answers, one column per language."""
    table = [["closed and short answers, exact match (%)", *LANGUAGES.values()]]
    for run in results.data_runs:
        cells = [results.find(run.name, "exact", {"language": code, "task": CLOSED_SHORT}) for code in LANGUAGES]
        table.append([label(run), *map(value_text, cells)])
    return table


def multimedeval_table(results: Results) -> Table:
    """Tabulate MultiMedEval's VQA metrics over all items and by language."""
    table = [["MultiMedEval (%)", "language", *MULTIMEDEVAL]]
    for run in results.data_runs:
        for code, language in {"": "all", **LANGUAGES}.items():
            subgroup = {"language": code} if code else {}
            cells = [results.find(run.name, f"multimedeval.{metric}", subgroup) for metric in MULTIMEDEVAL]
            if any(cells):
                table.append([label(run), language, *map(value_text, cells)])
    return table


def kind_table(results: Results) -> Table:
    """Tabulate the exact match by question kind."""
    kinds = sorted({score.subgroup["task"] for score in results.scores if "task" in score.subgroup} - {CLOSED_SHORT})
    table = [["exact match by question kind (%)", *kinds]]
    for run in results.data_runs:
        table.append([label(run), *(value_text(results.find(run.name, "exact", {"task": kind})) for kind in kinds)])
    return table


def score_lines(results: Results) -> Table:
    """Tabulate the overall scores of benchmarks, one per row."""
    table = [["benchmark", "metric", "value"]]
    for run in results.benchmark_runs.values():
        own = [score for score in results.scores if score.name == run.name and not score.subgroup]
        table += [[run.name, score.metric, value_text(score)] for score in own]
    return table
