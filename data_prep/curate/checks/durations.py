"""Lengths of time as values: half an hour is 30 minutes, and two days are 48 hours."""

import re

from data_prep.curate.checks.listed import listed
from data_prep.curate.checks.number_words import bare
from data_prep.curate.checks.quantities import Quantities
from data_prep.curate.checks.units import UNITS
from data_prep.curate.compared import normalised

_SECONDS = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "year": 12}
_PARTS = {
    **dict.fromkeys(("half a", "half an", "half of the", "نصف"), 0.5),
    **dict.fromkeys(("a quarter of an", "quarter of an", "a quarter of a", "quarter of a", "ربع"), 0.25),
    **dict.fromkeys(("three quarters of an", "three quarters of a", "ثلاثه ارباع"), 0.75),
    **dict.fromkeys(("a third of an", "ثلث"), 1 / 3),
    **dict.fromkeys(("a", "an", "one"), 1),
}
_ONE = frozenset(listed("minute hour day week month year دقيقه ساعه يوم اسبوع شهر سنه عام"))
_PART = "|".join(sorted(_PARTS, key=len, reverse=True))
_SPAN = re.compile(rf"(?:\b[وفبل]?({_PART}) )?(?<![0-9] )\b(\w+)\b(?=( واحده?)?( ونصفا?\b| and a half\b)?)")

Durations = frozenset[tuple[str, float]]


def durations(text: str, found: Quantities) -> Durations:
    """The lengths of time in a text, in seconds or, from a month on, in months; a unit without a number is one.

    Args:
        found: the quantities of the text.
    """
    spans = [(float(value), unit) for value, names in found.units.items() for unit in names]
    for part, word, _, half in _SPAN.findall(normalised(text)):
        if (part or word in _ONE or bare(word) in _ONE) and (unit := UNITS.get(word) or UNITS.get(bare(word))):
            spans.append((_PARTS.get(part, 1) + (0.5 if half else 0), unit))
    return frozenset(span for value, unit in spans if (span := _span(value, unit)))


def equal(value: str, units: set[str], others: Durations) -> bool:
    """Whether a number with one of the units is one of the lengths of time."""
    return any(span in others for unit in units if (span := _span(float(value), unit)))


def _span(value: float, unit: str) -> tuple[str, float] | None:
    if unit in _SECONDS:
        return "seconds", round(value * _SECONDS[unit])
    return ("months", round(value * _MONTHS[unit], 1)) if unit in _MONTHS else None
