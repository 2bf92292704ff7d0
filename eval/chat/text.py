"""Text that comes from outside: made such that it can be encoded, and that a screen shows it as it is."""

from __future__ import annotations

import re

_OVERRIDES = re.compile("[\u202d\u202e]")
"""They show letters in another order than that in which they stand: 01 for 10."""


def well_formed(text: str) -> str:
    """Return a text that can be encoded: halves of a character are joined, and a half alone becomes U+FFFD.

    Servers may send a character in two halves (surrogates, in JSON), and a terminal gives bytes that are not UTF-8 as
    such halves.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_overrides(text: str) -> str:
    """Return a text without the characters that override its direction; those that Arabic needs stay."""
    return _OVERRIDES.sub("", text)


def printable(text: str) -> str:
    """Return a text for a terminal: without overrides and control characters, which could move its cursor."""
    text = without_overrides(well_formed(text))
    return "".join(letter for letter in text if letter in "\n\t" or (letter >= " " and not "\x7f" <= letter <= "\x9f"))
