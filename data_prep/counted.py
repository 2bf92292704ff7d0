"""A number with its noun, as sentences print it."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return "1 row", "0 rows" or "2,000 rows"; `noun` is the singular, whose plural ends in -s or, after -y, -ies."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {plural}"
