"""Numbers and units are equal as values."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.durations import Durations, durations, equal
from data_prep.curate.checks.quantities import Quantities, quantities
from data_prep.curate.checks.subject import Rewriting, Translation
from data_prep.curate.checks.units import KINDS

_AGE_OR_RATE = re.compile(
    r"عمر|أعمار|(?<!\w)سن(?!\w)|\b(?:(?:over|under|above|below) (?=[0-9])|age[ds]?"
    r"|aging|old|times|twice|once|مرة|مرات|مرتين|مرتان)\b"
)
"""Ages and rates: their units of time have many forms."""
_MEASURED = {"mass", "volume", "length"}


def numbers(made: Translation) -> Iterator[str]:
    """Numbers that a turn lacks, or has and its source has not."""
    for number, source, text in made.turns():
        wanted, found = quantities(source), quantities(text)
        for value in _missing(wanted, found, text):
            yield f"the number {value} of turn {number} is missing"
        for value in _missing(found, wanted, source):
            yield f"the number {value} of turn {number} is not in the source"
        if _another_time(source, text):
            yield f"turn {number} says another length of time"
        for group, names in wanted.named.items():
            others = found.named.get(group, set())
            if others and not others & names:
                yield f"turn {number} says another {group} than {min(names)}"
        for one, other in sorted(wanted.pairs - found.pairs):
            if (other, one) in found.pairs:
                yield f"turn {number} says {other}/{one} instead of {one}/{other}"


def _missing(wanted: Quantities, found: Quantities, text: str) -> list[str]:
    """The values that the quantities of a text lack."""
    lacks = sorted(value for value in wanted.values - found.values if not may_be(value, wanted, found))
    if not lacks:
        return lacks
    spans = durations(text, found)
    return [value for value in lacks if not equal(value, wanted.units.get(value, set()), spans)]


def may_be(value: str, wanted: Quantities, found: Quantities) -> bool:
    """Whether words say a value: a unit alone is one of it, its dual two of it, and any dual two of another thing."""
    if value in found.weak:
        return True
    units = wanted.units.get(value, set())
    if value == "1" and units & found.uncounted:
        return True
    return value == "2" and found.dual and (not units or bool(units & found.units.get(value, set())))


def _another_time(source: str, text: str) -> bool:
    """Whether each text has one length of time, said without a number, and these differ."""
    if quantities(source).values or quantities(text).values:
        return False
    times = _times(source), _times(text)
    if len(times[0]) != 1 or len(times[1]) != 1:
        return False
    (one,), (other,) = times
    return one[0] == other[0] and one != other


def _same_times(source: str, text: str) -> bool:
    """Whether all lengths of time of one text are in the other."""
    times = _times(source), _times(text)
    return times[0] <= times[1] or times[1] <= times[0]


def _times(text: str) -> Durations:
    return durations(text, quantities(text))


def units(made: Translation) -> Iterator[str]:
    """Numbers with another unit than in the source."""
    for number, source, text in made.turns():
        wanted, found = quantities(source), quantities(text)
        for value, names in wanted.units.items():
            if value not in found.values and not may_be(value, wanted, found):
                continue
            here = found.units.get(value, set())
            for name in sorted(names - here - {"times"}):
                said = KINDS.get(name) == "time" and _AGE_OR_RATE.search(f"{source} {text}")
                if here - names or (name not in found.all_units and not said):
                    yield f"the unit of {value} {name} in turn {number} is another one or missing"
        if not wanted.all_units and found.units:
            value, names = next(iter(found.units.items()))
            kinds = {KINDS.get(name) for name in names - {"m"}}  # م also follows years
            if value in wanted.values and kinds & _MEASURED:
                yield f"the unit of {value} in turn {number}, {min(names)}, is not in the source"
        for name in sorted(wanted.all_units - found.all_units):
            others = {KINDS.get(other, "") for other in found.all_units - wanted.all_units}
            if KINDS.get(name) in others and not (KINDS[name] == "time" and _same_times(source, text)):
                yield f"the unit {name} of turn {number} is missing"


def numbers_of_rewriting(made: Rewriting) -> Iterator[str]:
    """Numbers that the writer was not told."""
    known, found = quantities(made.known), quantities(made.answers)
    for value in sorted(found.values.keys() - known.values.keys()):
        if may_be(value, found, known):
            continue
        yield f"the number {value} is in neither question, answer nor caption"
    for value, names in found.units.items():
        told = known.units.get(value, set())
        if told and names and not names & told:
            yield f"{value} has the unit {min(names)} instead of {min(told)}"
