"""The report's two figures: the loss of the training runs, and the scores by language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.errors import EvalError
from eval.predictions import Predictions
from eval.report.tables import LANGUAGES, find
from eval.scores import CLOSED_SHORT, Score

# Okabe and Ito's palette: distinct for the colour-blind, and in grey too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
DPI = 150

Curve = list[tuple[float, float]]


def read_losses(run: Path) -> tuple[Curve, Curve]:
    """Read (step, training loss) and (step, evaluation loss) from a run's newest trainer_state.json.

    Raises:
        EvalError: the run folder has none, or one that cannot be read.
    """
    checkpoints = [path for path in run.glob("checkpoint-*/trainer_state.json") if _step(path).isdigit()]
    newest = max(checkpoints, key=lambda path: int(_step(path)), default=run / "trainer_state.json")
    if not newest.is_file():
        raise EvalError(f"{run}: no checkpoint-*/trainer_state.json, so there is no loss to draw. Name a training run.")
    try:
        history = json.loads(newest.read_text(encoding="utf-8"))["log_history"]
    except (ValueError, KeyError) as error:
        raise EvalError(f"{newest}: not a trainer state ({error!r}).") from error
    train = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    evaluation = [(entry["step"], entry["eval_loss"]) for entry in history if "eval_loss" in entry]
    return train, evaluation


def _step(trainer_state: Path) -> str:
    return trainer_state.parent.name.removeprefix("checkpoint-")


def draw_losses(runs: Sequence[Path], path: Path) -> None:
    """Draw the loss of each run over its steps; the evaluation loss, where there is one, as a dashed line."""
    figure, axes = _figure(7)
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        train, evaluation = read_losses(run)
        for curve, name, style in ((train, "training", "-"), (evaluation, "evaluation", "o--")):
            if curve:
                axes.plot(*zip(*curve, strict=True), style, color=colour, markersize=3, label=f"{run.name}, {name}")
    axes.set(xlabel="step", ylabel="loss (nats per token)", title="Loss")
    axes.set_ylim(bottom=0)
    axes.legend()
    figure.savefig(path, dpi=DPI)


def draw_scores(runs: Sequence[Predictions], scores: Sequence[Score], path: Path) -> None:
    """Draw the exact match of closed and short answers, a group of bars a run, with standard errors."""
    figure, axes = _figure(1.5 + 1.6 * len(runs))
    width = 0.8 / len(LANGUAGES)
    for place, (code, language) in enumerate(LANGUAGES.items()):
        found = [find(scores, run.name, "exact", language=code, task=CLOSED_SHORT) for run in runs]
        bars = [(x, score) for x, score in enumerate(found) if score is not None and score.value is not None]
        axes.bar(
            [x + (place - (len(LANGUAGES) - 1) / 2) * width for x, _ in bars],
            [100 * (score.value or 0.0) for _, score in bars],
            width,
            yerr=[100 * (score.stderr or 0.0) for _, score in bars],
            capsize=3,
            color=COLOURS[place],
            hatch=(None, "//")[place % 2],
            edgecolor="black",
            label=language,
        )
    axes.set_xticks(range(len(runs)), [run.name.replace("_", "\n") for run in runs])
    axes.set(xlabel="run", ylabel="exact match (%)", ylim=(0, 105), title="Closed and short answers (± standard error)")
    axes.legend()
    figure.savefig(path, dpi=DPI)


def _figure(width: float) -> tuple[Any, Any]:
    """Return a figure (inches) on the Agg canvas, which needs no display and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()
