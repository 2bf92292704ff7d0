"""The figures of the report: training losses, exact match by language, and bars and radar of the paper's tables.

Every figure is small enough for a phone, in colours that colour-blind readers can tell apart.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.benchmarks.data_split import CLOSED_SHORT
from eval.errors import EvalError
from eval.report.beside_paper import Column, is_partial
from eval.report.blocks import Figure
from eval.report.paper import PaperTable, Place, published
from eval.report.results import Results
from eval.report.tables import LANGUAGES
from eval.scores import Score

Curve = list[tuple[float, float]]

# Okabe and Ito's palette: colour-blind readers can tell the colours apart, also printed in grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
WIDTH = 5.0
"""Inches. An SVG of this width is about as wide as a phone, so its text stays readable there."""
LINES = 5
"""Lines of a radar chart, including ours: more cannot be told apart."""
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)))
MARKS = ("D", "s", "^", "v", "P", "X")


def read_losses(run: Path) -> tuple[Curve, Curve]:
    """Read (step, training loss) and (step, evaluation loss) from a run's newest trainer_state.json.

    Raises:
        EvalError: the run folder has none, or one that cannot be read.
    """
    checkpoints = [path for path in run.glob("checkpoint-*/trainer_state.json") if _step(path).isdigit()]
    newest = max(checkpoints, key=lambda path: int(_step(path)), default=run / "trainer_state.json")
    if not newest.is_file():
        raise EvalError(
            f"{run}: no checkpoint-*/trainer_state.json, so there is no loss to draw. Name a training run's folder."
        )
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
    """Draw the training loss of each run by step, and its evaluation loss, if there is any, as a dashed line."""
    figure, axes = new_figure(3.4)
    for run, colour in zip(runs, COLOURS * len(runs), strict=False):
        train, evaluation = read_losses(run)
        for curve, name, style in ((train, "training", "-"), (evaluation, "evaluation", "o--")):
            if curve:
                axes.plot(*zip(*curve, strict=True), style, color=colour, markersize=3, label=f"{run.name}, {name}")
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.set_ylim(bottom=0)
    axes.legend()
    return as_svg(figure, "loss", "Loss by step")


def draw_scores(results: Results) -> Figure:
    """Draw the exact match of closed and short answers with intervals, one group of bars per run."""
    runs = results.data_runs
    figure, axes = new_figure(1.2 + 0.6 * len(runs))
    width = 0.8 / len(LANGUAGES)
    for place, (code, language) in enumerate(LANGUAGES.items()):
        found = [results.find(run.name, "exact", {"language": code, "task": CLOSED_SHORT}) for run in runs]
        bars = [(x, score) for x, score in enumerate(found) if score is not None and score.value is not None]
        axes.barh(
            [x + (place - (len(LANGUAGES) - 1) / 2) * width for x, _ in bars],
            [100 * (score.value or 0.0) for _, score in bars],
            width,
            xerr=_whiskers([score for _, score in bars], 100),
            capsize=3,
            color=COLOURS[place],
            hatch=(None, "//")[place % 2],
            edgecolor="black",
            label=language,
        )
    axes.set_yticks(range(len(runs)), [_of_run(results, run.name) for run in runs])
    axes.invert_yaxis()
    axes.set(xlabel="closed and short answers, exact match (%), 95% interval", xlim=(0, 105))
    figure.legend(loc="outside upper center", ncols=len(LANGUAGES))
    return as_svg(figure, "scores", "Exact match by language")


def bars(table: PaperTable, columns: Sequence[Column], *, with_published: bool) -> Figure | None:
    """Draw our scores as bars with intervals, and the paper's own models as markers; None for fewer than two scores."""
    places = _drawn(table, columns)
    if len(places) < 2:
        return None
    scale = 100 if table.percent else 1
    figure, axes = new_figure(1.1 + 0.34 * max(len(columns), 1) * len(places))
    height = 0.8 / len(columns)
    for order, column in enumerate(columns):
        shown = [(y, column.scores[place]) for y, place in enumerate(places) if place in column.scores]
        values = [scale * (score.value or 0.0) for _, score in shown]
        axes.barh(
            [y + (order - (len(columns) - 1) / 2) * height for y, _ in shown],
            values,
            height,
            xerr=_whiskers([score for _, score in shown], scale),
            capsize=2,
            color=COLOURS[order % len(COLOURS)],
            edgecolor="black",
            label=column.title,
        )
    models = [model for model in published(table) if model.startswith("BiMediX2")] if with_published else []
    for order, model in enumerate(models, start=len(columns)):
        axes.plot(
            [published(table)[model][place] for place in places],
            range(len(places)),
            MARKS[order % len(MARKS)],
            color=COLOURS[order % len(COLOURS)],
            markeredgecolor="black",
            markersize=6,
            linestyle="none",
            label=f"{model} (published)",
        )
    axes.set_yticks(range(len(places)), [" ".join(table.label(place)) for place in places])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("percent" if table.percent else "fraction")
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    return as_svg(figure, f"{'_'.join(table.key)}_bars", f"{table.title}: our numbers with intervals")


def radar(table: PaperTable, columns: Sequence[Column], *, with_published: bool) -> Figure | None:
    """Draw each model as a closed line over the scores that all of them have; None for fewer than three.

    All axes of all radars have one scale, from 0 to 100 percent, or to the next tenth above a larger value.
    """
    places = [place for place in _drawn(table, columns) if all(column.value(place) is not None for column in columns)]
    if len(places) < 3:
        return None
    scale = 100 if table.percent else 1
    lines = {column.title: [scale * (column.value(place) or 0.0) for place in places] for column in columns}
    if with_published:
        room = max(0, LINES - len(lines))
        lines |= {f"{name} (published)": values for name, values in _strongest(table, places)[:room]}
    top = scale * max(10, math.ceil(round(10 * max(map(max, lines.values())) / scale, 6))) / 10
    angles = [2 * math.pi * place / len(places) for place in range(len(places))]
    figure, axes = new_figure(5.2, subplot_kw={"projection": "polar"})
    for order, (name, values) in enumerate(lines.items()):
        own = order < len(columns)
        axes.plot(
            [*angles, angles[0]],
            [*values, values[0]],
            color=COLOURS[order % len(COLOURS)],
            linestyle=STYLES[order % len(STYLES)],
            linewidth=2.6 if own else 1.4,
            marker=MARKS[order % len(MARKS)],
            markersize=4,
            label=name,
        )
        if own:
            axes.fill(angles, values, color=COLOURS[order % len(COLOURS)], alpha=0.12)
    axes.set_xticks(
        angles,
        ["\n".join(table.label(place)) for place in places],
        fontsize="medium" if len(places) < 12 else "x-small",
    )
    for angle, name in zip(angles, axes.get_xticklabels(), strict=True):
        side = round(math.sin(angle), 6)
        name.set_horizontalalignment("center" if side == 0 else "left" if side > 0 else "right")
    rings = [top * quarter / 4 for quarter in range(1, 5)]
    axes.set_yticks(rings, [f"{ring:.3g}" for ring in rings], fontsize="x-small", color="dimgrey")
    axes.set_ylim(0, 1.02 * top)
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    return as_svg(figure, f"{'_'.join(table.key)}_radar", f"{table.title}: every axis from 0 to {top:.3g}")


def _whiskers(scores: Sequence[Score], scale: float) -> list[list[float]]:
    """How far each interval reaches below and above its value; 0 where there is none."""
    bounds = [(score.value or 0.0, *(score.interval or (score.value or 0.0,) * 2)) for score in scores]
    below = [max(0.0, scale * (value - low)) for value, low, _ in bounds]
    above = [max(0.0, scale * (high - value)) for value, _, high in bounds]
    return [below, above]


def _drawn(table: PaperTable, columns: Sequence[Column]) -> list[Place]:
    """The places with a score of ours; without starred rows, whose published scale is unknown, and parts of splits."""
    rows = [row for row in table.rows if not row.starred and not is_partial(row.place, columns)]
    return [row.place for row in rows if any(row.place in column.scores for column in columns)]


def _strongest(table: PaperTable, places: Sequence[Place]) -> list[tuple[str, list[float]]]:
    """The paper's own models first, then the others by their mean over these places."""
    models = {name: [values[place] for place in places] for name, values in published(table).items()}
    return sorted(models.items(), key=lambda entry: (not entry[0].startswith("BiMediX2"), -sum(entry[1])))


def _of_run(results: Results, name: str) -> str:
    caution = next((score.caution for score in results.scores if score.name == name and not score.subgroup), "")
    return "\n".join([*name.split("_"), *caution.split("; ")]).strip()


def new_figure(height: float, **options: Any) -> tuple[Any, Any]:
    """Return a figure of this height (inches) and its axes, on the Agg canvas: no display, no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    figure = Drawing(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(**options)


def as_svg(figure: Any, name: str, alt: str) -> Figure:
    """Render a figure as SVG: deterministic bytes, text as paths, no external reference."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(name, alt, file.getvalue())
