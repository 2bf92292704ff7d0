"""What a judge's reply says: two grades, or a label out of a JSON object."""

from __future__ import annotations

import json
import re
from typing import Any

LOWEST, HIGHEST = 1, 10
_GRADE = re.compile(r"\d+(?:[.٫]\d+)?")
_LABEL = r"""["']?{key}["']?\s*:\s*["']?([A-Za-z]+)"""


def grades(reply: str) -> tuple[float, float] | None:
    """The two grades on a reply's first line, or None for a first line that is not two numbers between blanks.

    Any Unicode digits are digits. The grades may be off the scale: `on_scale` tells.
    """
    words = reply.strip().split("\n")[0].split()
    if len(words) != 2 or not all(_GRADE.fullmatch(word) for word in words):
        return None
    first, second = (float(word.replace("٫", ".")) for word in words)
    return first, second


def on_scale(*found: float) -> bool:
    """Whether grades are on the scale that the judge was told."""
    return all(LOWEST <= grade <= HIGHEST for grade in found)


def official_grades(reply: str) -> tuple[float, float] | None:
    """The two grades as BiMed-MBench's own summary reads them, or None where it stops with an error.

    It splits the first line at single spaces and takes what Python's float takes, "nan" and "1e3" too.
    """
    words = reply.strip().split("\n")[0].split(" ")
    try:
        first, second = (float(word) for word in words)
    except ValueError:
        return None
    return first, second


def label(reply: str, key: str) -> str | None:
    """The value of `key` in a reply's JSON object, in small letters ("none" for null), or None where there is none.

    Judges put text or a code fence around the object, or leave out quotes; then the last `key: word` counts.
    """
    try:
        found: Any = json.loads(reply[reply.index("{") : reply.rindex("}") + 1])
    except ValueError:
        words = re.findall(_LABEL.format(key=key), reply)
        return words[-1].lower() if words else None
    if not isinstance(found, dict) or key not in found:
        return None
    return str(found[key]).strip().lower()
