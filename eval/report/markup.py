"""Text from data as harmless Markdown and HTML."""

from __future__ import annotations

import html
import re
import unicodedata

from eval.report.tables import Table


def escape(text: str) -> str:
    """Escape text for one line of raw HTML in Markdown; line ends become <br>.

    A Markdown renderer leaves the inside of an HTML block alone only up to the next blank line, so no line end may
    be left. Control characters become the replacement character.
    """
    return "<br>".join(html.escape(_printable(line)) for line in text.strip().splitlines() if line.strip())


def block(text: str, language: str) -> str:
    """Return a block of text in its own writing direction."""
    direction = "rtl" if language == "ar" else "ltr"
    return f'<div dir="{direction}" lang="{html.escape(language)}">{escape(text)}</div>'


def inline(text: str) -> str:
    """Escape text for a Markdown table cell or a line of prose: markup of HTML and of Markdown."""
    one_line = html.escape(_printable(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", one_line)


def table_markup(table: Table) -> str:
    """Lay a table out in Markdown."""
    rows = ["| " + " | ".join(map(inline, row)) + " |" for row in table]
    return "\n".join([rows[0], "|" + " --- |" * len(table[0]), *rows[1:]])


def _printable(line: str) -> str:
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) == "Cc" else letter for letter in line)
