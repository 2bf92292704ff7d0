"""Sections and tables as Markdown, with every text from the data escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from eval.report.blocks import (
    Block,
    Caution,
    Cell,
    Facts,
    Figure,
    Paragraph,
    Sample,
    Section,
    Table,
    Text,
    printable,
)


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Return the page. Figures are links to SVG files beside it; the images of samples are only in the HTML page."""
    parts = [f"# {inline(title)}"]
    for section in sections:
        parts += [f"{'#' * section.level} {inline(section.title)}"] if section.title else []
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(rows: Sequence[Sequence[str]], *, aligned: bool = False) -> str:
    """Lay out a table, header first; `aligned` pads the columns, so that a terminal shows them well.

    Cells are written as they are: escape text from the data with `inline`.
    """
    if not aligned:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
    widths = column_widths(rows)
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], f"|-{'-|-'.join('-' * width for width in widths)}-|", *lines[1:]])


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table for a terminal, header first, in columns separated by spaces."""
    widths = column_widths(rows)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the length of the longest cell of each column; every row has as many cells as the first."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def escape(text: str) -> str:
    """Escape text for one line of raw HTML in Markdown; line breaks become <br>.

    A Markdown renderer leaves the inside of an HTML block alone only up to the next blank line, so no line break may
    be left.
    """
    return "<br>".join(html.escape(printable(line)) for line in text.strip().splitlines() if line.strip())


def inline(text: str) -> str:
    """Escape HTML and Markdown markup for a table cell or a line of prose."""
    one_line = html.escape(printable(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", one_line)


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return inline(text)
        case Caution(title, text):
            return f"> **{inline(title)}** {inline(text)}"
        case Figure(name, alt):
            return f"![{inline(alt)}]({name}.svg)"
        case Facts(facts):
            return "\n".join(f"- {inline(name)}: {inline(value)}" for name, value in facts)
        case Table():
            return _table(block)
        case Sample():
            return _sample(block)


def _table(table: Table) -> str:
    notes = [f"{number}. {inline(note)}" for number, note in enumerate(table.notes, start=1)]
    lines = markdown_table([[_cell(cell) for cell in row] for row in table.rows])
    return "\n".join([lines, *([""] if notes else []), *notes])


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return inline(cell)
    marks = f"({', '.join(map(str, cell.marks))})" if cell.marks else ""
    return " ".join(inline(part) for part in (cell.text, cell.small, marks) if part)


def _sample(sample: Sample) -> str:
    verdict = f"{sample.number}. {sample.verdict}".rstrip(". ")
    return "\n\n".join([f"**{inline(verdict)}**: {inline(sample.about)}", *map(_text, sample.texts)])


def _text(text: Text) -> str:
    language = f' lang="{html.escape(text.language)}"' if text.language else ""
    return f'{inline(text.name)}:\n\n<div dir="{text.direction}"{language}>{escape(text.text)}</div>'
