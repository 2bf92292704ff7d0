"""Sections as Markdown; text from data is harmless in it."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from eval.report.blocks import Block, Caution, Cell, Facts, Figure, Paragraph, Sample, Section, Table, Text
from eval.report.text import printable

WITHOUT_PICTURES = "Pictures are in the HTML page beside this one."


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Return the page. Figures are links to SVG files beside it; the pictures of samples are left out."""
    parts = [f"# {inline(title)}"]
    for section in sections:
        parts += [f"{'#' * section.level} {inline(section.title)}"] if section.title else []
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Escape text for one line of raw HTML in Markdown; line ends become <br>.

    A Markdown renderer leaves the inside of an HTML block alone only up to the next blank line, so no line end may
    be left.
    """
    return "<br>".join(html.escape(printable(line)) for line in text.strip().splitlines() if line.strip())


def inline(text: str) -> str:
    """Escape text for a Markdown table cell or a line of prose: markup of HTML and of Markdown."""
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
    rows = ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows]
    notes = [f"{number}. {inline(note)}" for number, note in enumerate(table.notes, start=1)]
    return "\n".join([rows[0], "|" + " --- |" * len(table.rows[0]), *rows[1:], *([""] if notes else []), *notes])


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
