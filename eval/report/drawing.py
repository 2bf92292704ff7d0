"""How every figure of the report is drawn: small enough for a phone, in colours that the colour-blind tell apart."""

from __future__ import annotations

import io
from typing import Any

from eval.report.blocks import Figure

# Okabe and Ito's palette: distinct for the colour-blind, and in grey too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
WIDTH = 5.0
"""Inches. An SVG of this width is about as wide as a phone, so its letters stay readable there."""


def canvas(height: float, **options: Any) -> tuple[Any, Any]:
    """Return a figure (inches) on the Agg canvas, which needs no display and no global state, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    figure = Drawing(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(**options)


def finished(figure: Any, name: str, alt: str) -> Figure:
    """Write a figure as SVG: the same bytes for the same numbers, letters as paths, nothing to fetch."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(name, alt, file.getvalue())
