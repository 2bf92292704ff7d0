"""The Markdown page, and the short table for the terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.errors import EvalError
from eval.predictions import Predictions, read_all
from eval.report.figures import draw_losses, draw_scores
from eval.report.markup import inline, table_markup
from eval.report.samples import pick_samples, samples_markup
from eval.report.tables import exact_table, kind_table, label, multimedeval_table, terminal
from eval.scores import Score

WARNING = (
    "> **Not for medical use.** This model is a research artefact. Its answers can be wrong in ways that look right. "
    "Do not use it for diagnosis, for treatment or for advice to patients."
)
MULTIMEDEVAL_NOTE = (
    "MultiMedEval's metrics know English only: a question counts as closed if its gold answer is `yes` or `no`, so "
    "Arabic yes/no questions are among the open ones here. Exact match above goes by the question kind in both "
    "languages."
)


def read_scores(results: Path) -> list[Score]:
    """Read scores.json.

    Raises:
        EvalError: it is not there.
    """
    path = results / "scores.json"
    if not path.is_file():
        raise EvalError(f"{path}: no scores. Make them with `python -m eval score {results}`.")
    return [Score(**line) for line in json.loads(path.read_text(encoding="utf-8"))]


def write_report(results: Path, training: Sequence[Path], out: Path) -> None:
    """Write the report and, beside it, its figures; the page appears only when it is complete.

    Raises:
        EvalError: predictions, scores or a training run's trainer state are missing.
    """
    runs, scores = read_all(results), read_scores(results)
    out.parent.mkdir(parents=True, exist_ok=True)
    sections = [
        "# Evaluation report",
        WARNING,
        "## Exact match",
        "Mean in percent ± standard error (n = scored items).",
        table_markup(exact_table(runs, scores)),
        "![Exact match by language](scores.png)",
        table_markup(kind_table(runs, scores)),
        "## MultiMedEval VQA metrics",
        MULTIMEDEVAL_NOTE,
        table_markup(multimedeval_table(runs, scores)),
    ]
    draw_scores(runs, scores, out.parent / "scores.png")
    if training:
        draw_losses(training, out.parent / "loss.png")
        sections += ["## Training", "![Loss by step](loss.png)"]
    sections += ["## Sample predictions", samples_markup(pick_samples(runs)) or "No sample can be shown."]
    sections += ["## Data", _data_markup(runs), "## How it was made", *map(_run_markup, runs)]
    part = out.with_name(out.name + ".part")
    part.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    part.replace(out)


def summary(results: Path) -> str:
    """Return the short table and, below it, the paths of the checkpoint and of the report.

    Raises:
        EvalError: predictions or scores are missing.
    """
    runs, scores = read_all(results), read_scores(results)
    table = terminal(exact_table(runs, scores))
    return f"{table}\n\nmerged checkpoint: {runs[0].header['model']}\nreport: {(results / 'report.md').as_posix()}"


def _run_markup(run: Predictions) -> str:
    """List a run's header, without the counts of its data set, which are said once for all runs."""
    data = {name: value for name, value in run.header["data"].items() if name != "counts"}
    facts = {**run.header, "data": data}
    lines = [f"- predictions: predictions/{inline(run.name)}.jsonl, {len(run.lines)} items"]
    lines += [f"- {inline(name)}: {_facts(value)}" for name, value in facts.items()]
    return "\n".join([f"### {inline(label(run))}", "", *lines])


def _data_markup(runs: Sequence[Predictions]) -> str:
    """List the counts of each data set's manifest, once a data set."""
    counts = {run.header["data"]["name"]: run.header["data"]["counts"] for run in runs}
    return "\n".join(
        f"- {inline(name)}, rows by {inline(group)}: {_facts(count)}"
        for name, groups in counts.items()
        for group, count in groups.items()
    )


def _facts(value: Any) -> str:
    """Write a header's value in words."""
    if isinstance(value, dict):
        return ", ".join(f"{inline(str(key))} {_facts(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_facts, value)) or "all"
    return "none" if value is None else inline(str(value))
