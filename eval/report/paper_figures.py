"""The figures of one of the paper's tables: bars with intervals, and a radar chart in the manner of its Figure 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.report.beside_paper import Ours
from eval.report.blocks import Figure
from eval.report.drawing import COLOURS, canvas, finished
from eval.report.paper_tables import PaperTable, Place, published

LINES = 5
"""Lines of a radar chart, ours among them: more cannot be told apart."""
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)))
MARKS = ("D", "s", "^", "v", "P", "X")


def bars(table: PaperTable, columns: Sequence[Ours], *, with_published: bool) -> Figure | None:
    """Draw our numbers as bars with their intervals, the paper's own models as marks; None for fewer than two."""
    places = _drawn(table, columns)
    if len(places) < 2:
        return None
    scale = 100 if table.percent else 1
    figure, axes = canvas(1.1 + 0.34 * max(len(columns), 1) * len(places))
    height = 0.8 / len(columns)
    for order, column in enumerate(columns):
        shown = [(y, column.scores[place]) for y, place in enumerate(places) if place in column.scores]
        values = [scale * (score.value or 0.0) for _, score in shown]
        bounds = [score.interval or (score.value or 0.0,) * 2 for _, score in shown]
        axes.barh(
            [y + (order - (len(columns) - 1) / 2) * height for y, _ in shown],
            values,
            height,
            xerr=[
                [max(0.0, value - scale * low) for value, (low, _) in zip(values, bounds, strict=True)],
                [max(0.0, scale * high - value) for value, (_, high) in zip(values, bounds, strict=True)],
            ],
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
    return finished(figure, f"{'_'.join(table.key)}_bars", f"{table.title}: our numbers with intervals")


def radar(table: PaperTable, columns: Sequence[Ours], *, with_published: bool) -> Figure | None:
    """Draw a closed line for each model over the numbers that all of them have; None for fewer than three.

    Each axis runs from 0 to the largest number drawn on it, since metrics differ in what is a high number.
    """
    places = [place for place in _drawn(table, columns) if all(column.value(place) is not None for column in columns)]
    if len(places) < 3:
        return None
    scale = 100 if table.percent else 1
    lines = {column.title: [scale * (column.value(place) or 0.0) for place in places] for column in columns}
    if with_published:
        room = max(0, LINES - len(lines))
        lines |= {f"{name} (published)": values for name, values in _strongest(table, places)[:room]}
    most = [max(values) or 1.0 for values in zip(*lines.values(), strict=True)]
    angles = [2 * math.pi * place / len(places) for place in range(len(places))]
    figure, axes = canvas(5.2, subplot_kw={"projection": "polar"})
    for order, (name, values) in enumerate(lines.items()):
        radii = [value / top for value, top in zip(values, most, strict=True)]
        own = order < len(columns)
        axes.plot(
            [*angles, angles[0]],
            [*radii, radii[0]],
            color=COLOURS[order % len(COLOURS)],
            linestyle=STYLES[order % len(STYLES)],
            linewidth=2.6 if own else 1.4,
            marker=MARKS[order % len(MARKS)],
            markersize=4,
            label=name,
        )
        if own:
            axes.fill(angles, radii, color=COLOURS[order % len(COLOURS)], alpha=0.12)
    axes.set_xticks(
        angles,
        ["\n".join(table.label(place)) for place in places],
        fontsize="medium" if len(places) < 12 else "x-small",
    )
    for angle, name in zip(angles, axes.get_xticklabels(), strict=True):
        side = round(math.sin(angle), 6)
        name.set_horizontalalignment("center" if side == 0 else "left" if side > 0 else "right")
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], [])
    axes.set_ylim(0, 1.02)
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    return finished(figure, f"{'_'.join(table.key)}_radar", f"{table.title}: each axis from 0 to its largest number")


def _drawn(table: PaperTable, columns: Sequence[Ours]) -> list[Place]:
    """The places with a number of ours; rows with a star are of another scale than ours."""
    rows = [row for row in table.rows if not row.starred]
    return [row.place for row in rows if any(row.place in column.scores for column in columns)]


def _strongest(table: PaperTable, places: Sequence[Place]) -> list[tuple[str, list[float]]]:
    """The paper's own models, then the others by their mean over these places."""
    models = {name: [values[place] for place in places] for name, values in published(table).items()}
    return sorted(models.items(), key=lambda entry: (not entry[0].startswith("BiMediX2"), -sum(entry[1])))
