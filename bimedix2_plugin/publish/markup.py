"""Markdown tables, with text from data escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Render a table; cells are escaped."""
    lines = [head, ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """Escape a value so that neither Markdown nor HTML in it is anything but text."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"([\\`*_\[\]|#!])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
