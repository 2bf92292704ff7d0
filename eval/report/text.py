"""Text from data made harmless before it is laid out: characters that cannot be shown, and directions of writing."""

from __future__ import annotations

import unicodedata

# Overrides, embeddings and isolates reorder what stands after them, so they are named in the place of acting.
_REORDERING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_NOT_SHOWN = {"Cc", "Cs"}
_ALLOWED = {"\n", "\t"}


def printable(text: str) -> str:
    """Return the text with control characters and lone surrogates replaced, and reordering characters spelt out."""
    if text.isascii() and text.isprintable():  # data URLs are long
        return text
    return "".join(map(_printable, text))


def _printable(letter: str) -> str:
    if ord(letter) in _REORDERING:
        return f"[U+{ord(letter):04X}]"
    if unicodedata.category(letter) in _NOT_SHOWN and letter not in _ALLOWED:
        return "\N{REPLACEMENT CHARACTER}"
    return letter


def direction(text: str, language: str) -> str:
    """Return "rtl" or "ltr" by the first letter that has a direction; a text without one goes by its language."""
    for letter in text:
        found = unicodedata.bidirectional(letter)
        if found in {"L", "R", "AL"}:
            return "ltr" if found == "L" else "rtl"
    return "rtl" if language == "ar" else "ltr"
