"""Sections as one self-contained HTML page: figures and images are embedded, and it runs no script."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from eval.report.blocks import Block, Section, printable


def html_page(title: str, sections: Sequence[Section]) -> str:
    """Return the page. Every text is made printable, and escaped by the template engine."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_printable,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_url": svg_url, "by_kind": _by_kind, "breakable": _breakable, "coded": _coded}
    return environment.get_template("page.html.jinja").render(title=title, sections=sections)


def svg_url(svg: str) -> str:
    """Return a drawing as a data URL: a browser runs no script of an SVG inside an <img>."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _by_kind(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Group consecutive blocks of one kind, so that figures can stand side by side."""
    return [(kind, list(group)) for kind, group in groupby(blocks, key=lambda block: block.kind)]


def _breakable(text: str) -> Markup:
    """Allow a line break in names of files, runs and metrics after `_`, `/` and `,`."""
    escaped = escape(printable(text))
    return Markup(re.sub(r"(?<=[_/,])(?=\S)", "<wbr>", escaped))


def _coded(text: str) -> Markup:
    """Show text between backticks as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(printable(text))))


def _printable(value: Any) -> Any:
    return printable(value) if type(value) is str else value
