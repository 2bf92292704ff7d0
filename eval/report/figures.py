"""The figures of training and of data sets: the loss of the training runs, and exact match by language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from eval.benchmarks.data_split import CLOSED_SHORT
from eval.errors import EvalError
from eval.items import Predictions
from eval.report.blocks import Figure
from eval.report.drawing import COLOURS, canvas, finished
from eval.report.tables import LANGUAGES, find
from eval.scores import Score

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


def draw_losses(runs: Sequence[Path]) -> Figure:
    """Draw the loss of each run over its steps; the evaluation loss, where there is one, as a dashed line."""
    figure, axes = canvas(3.4)
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        train, evaluation = read_losses(run)
        for curve, name, style in ((train, "training", "-"), (evaluation, "evaluation", "o--")):
            if curve:
                axes.plot(*zip(*curve, strict=True), style, color=colour, markersize=3, label=f"{run.name}, {name}")
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.set_ylim(bottom=0)
    axes.legend()
    return finished(figure, "loss", "Loss by step")


def draw_scores(runs: Sequence[Predictions], scores: Sequence[Score]) -> Figure:
    """Draw the exact match of closed and short answers, a group of bars a run, with standard errors."""
    figure, axes = canvas(1.2 + 0.6 * len(runs))
    width = 0.8 / len(LANGUAGES)
    for place, (code, language) in enumerate(LANGUAGES.items()):
        found = [find(scores, run.name, "exact", language=code, task=CLOSED_SHORT) for run in runs]
        bars = [(x, score) for x, score in enumerate(found) if score is not None and score.value is not None]
        axes.barh(
            [x + (place - (len(LANGUAGES) - 1) / 2) * width for x, _ in bars],
            [100 * (score.value or 0.0) for _, score in bars],
            width,
            xerr=[100 * (score.stderr or 0.0) for _, score in bars],
            capsize=3,
            color=COLOURS[place],
            hatch=(None, "//")[place % 2],
            edgecolor="black",
            label=language,
        )
    axes.set_yticks(range(len(runs)), [run.name.replace("_", "\n") for run in runs])
    axes.invert_yaxis()
    axes.set(xlabel="closed and short answers, exact match (%) ± error", xlim=(0, 105))
    figure.legend(loc="outside upper center", ncols=len(LANGUAGES))
    return finished(figure, "scores", "Exact match by language")
