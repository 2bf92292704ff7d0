"""The numbers in a text as values, with their units: digits of any script, number words, duals."""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from data_prep.curate.checks import number_hints as hints
from data_prep.curate.checks import number_words as table
from data_prep.curate.checks.number_text import readable
from data_prep.curate.checks.number_words import bare, folded, value_of_words
from data_prep.curate.checks.units import AFTER_NUMBER, OF_TWO_WORDS, UNITS, WORD_UNITS

_TOKEN = re.compile(r"[0-9]+(?:[.,'][0-9]+)*|[½¼¾⅓⅔]|[^\W\d_]+|[%/°;:\n]|[.,](?=\s)")
"""Numbers, words and signs; a mark of punctuation parts a number from the word after it."""
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([,'])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "⅓": "0.333", "⅔": "0.667"}
_AS_DECIMAL = {("1", "2"): "0.5", ("1", "4"): "0.25", ("3", "4"): "0.75"}
_LETTERS = frozenset("MFDHSG")
"""Capitals that are no units: 45M is a man."""
_THIRDS = (
    ("0.333", re.compile(r"\b(?:one|a) ?-?third\b|(?<!\w)(?:ال)?ثلث(?!\w)", re.I)),
    ("0.667", re.compile(r"\btwo ?-?thirds\b|(?<!\w)(?:ال)?ثلث(?:ا|ي|ين|ان)(?!\w)", re.I)),
)
_CLOCK = {
    **{"half past": "30", "والنصف": "30", "quarter past": "15", "والربع": "15", "والثلث": "20"},
    **{"quarter to": "45", "إلا ربع": "45", "إلا الربع": "45"},
}
_ON_THE_CLOCK = re.compile("|".join(_CLOCK))
"""Parts of an hour, which digits give in minutes."""
_PAIR = re.compile(r"(?<![0-9/.,])([0-9]{1,3})/([0-9]{1,3})(?![0-9/.,]?[0-9/])")
_ROMAN = {"II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7", "VIII": "8", "IX": "9", "X": "10"}
_GRADED = frozenset(("grade", "stage", "type", "class", "nerve", "factor", "degree"))
_PER = ("/", "per", "لكل")


@dataclass
class Quantities:
    """The numbers of a text.

    Attributes:
        values: each value as a decimal without needless zeros, and how often it stands there.
        weak: values of words that may be no number, such as "one" or a month.
        dual: whether a word may be a dual, which says two of something.
        units: for each value the units that follow it.
        all_units: every unit in the text.
        uncounted: the units that are written out without a number.
        named: ordinals, fractions, months and halves of the day, by their group.
        pairs: two numbers with a stroke between them, such as a blood pressure.
    """

    values: Counter[str] = field(default_factory=Counter)
    weak: set[str] = field(default_factory=set)
    dual: bool = False
    units: dict[str, set[str]] = field(default_factory=dict)
    all_units: set[str] = field(default_factory=set)
    uncounted: set[str] = field(default_factory=set)
    named: dict[str, set[str]] = field(default_factory=dict)
    pairs: set[tuple[str, str]] = field(default_factory=set)


@lru_cache(maxsize=16)  # several checks read the same turns
def quantities(text: str) -> Quantities:
    """The numbers of a text of any language; not to be changed."""
    text = readable(text)
    tokens = _TOKEN.findall(text)
    found = Quantities()
    place = 0
    while place < len(tokens):
        place = _read(tokens, place, found)
    if thirds := {value for value, pattern in _THIRDS if pattern.search(text)}:
        found.named.setdefault("fraction", set()).update(thirds)
    found.weak.update(_CLOCK[said] for said in _ON_THE_CLOCK.findall(text))
    found.pairs = {(one, other) for one, other in _PAIR.findall(text) if one != other}
    return found


def _read(tokens: list[str], place: int, found: Quantities) -> int:
    token = tokens[place]
    if token[0].isdigit() and token.isascii():
        return _digits(tokens, place, found)
    if token in _FRACTIONS:
        return _counted(tokens, place + 1, _FRACTIONS[token], found)
    word = folded(token)
    value, following = value_of_words(tokens, place)
    if value is not None:
        return _said(tokens, place, following, value, found)
    if token in _ROMAN and place and tokens[place - 1].lower() in _GRADED:
        return _counted(tokens, place + 1, _ROMAN[token], found)
    if _weak(word, found) and (unit := _unit(tokens, place + 1)[1]):
        found.all_units.add(unit)
    if folded(" ".join(tokens[place + 1 : place + 2])) in ("ونصف", "ونصفا"):
        found.weak.add("2.5" if hints.DUAL.match(word) else "1.5")
    if unit := WORD_UNITS.get(word) or WORD_UNITS.get(bare(word)) or _after_particle(word):
        found.all_units.add(unit)
        found.uncounted.add(unit)
        dual = word.endswith(("ان", "ين", "ي", "تا")) and bare(word) not in UNITS and word not in UNITS
        if dual:
            found.dual = True
            found.units.setdefault("2", set()).add(unit)
    elif word in UNITS and len(word) > 1:
        found.all_units.add(UNITS[word])
    return place + 1


def _said(tokens: list[str], place: int, following: int, value: int, found: Quantities) -> int:
    """Count a number in words; a hundred or thousand alone may be no number, except as in a million and a half."""
    word = folded(tokens[place])
    if following == place + 1 and (word in table.SCALES or bare(word) in table.SCALES):
        if _half(tokens, following)[1]:
            return _counted(tokens, following + 1, str(value * 3 // 2), found)
        found.weak.add(str(value))
        return following
    if also := hints.WEAK.get(bare(word)):
        found.weak.add(also)
    return _counted(tokens, following, str(value), found)


def _digits(tokens: list[str], place: int, found: Quantities) -> int:
    token = tokens[place]
    pair = tokens[place], tokens[place + 2] if place + 2 < len(tokens) else ""
    if place + 1 < len(tokens) and tokens[place + 1] == "/" and pair in _AS_DECIMAL:
        alone = (place == 0 or tokens[place - 1] != "/") and tokens[place + 3 : place + 4] != ["/"]
        if alone:
            return _counted(tokens, place + 3, _AS_DECIMAL[pair], found)
    following = place + 1
    values = numbers_of(token)
    for value in values[:-1]:
        found.values[value] += 1
    value = values[-1]
    if following < len(tokens) and (scale := table.SCALES.get(folded(tokens[following]))) and scale >= 1000:
        value, following = _scaled(value, len(str(scale)) - 1), following + 1
    return _counted(tokens, following, value, found)


def numbers_of(token: str) -> list[str]:
    """The values in a run of ASCII digits with marks between: one if these group digits or part off decimals."""
    if _GROUPED.fullmatch(token):
        return [_canonical(token.replace(",", "").replace("'", ""))]
    if _DECIMAL.fullmatch(token):
        return [_canonical(token.replace(",", "."))]
    return [_canonical(piece) for piece in re.split("[.,']", token)]


def _canonical(number: str) -> str:
    whole, _, decimals = number.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _scaled(value: str, zeros: int) -> str:
    whole, _, decimals = value.partition(".")
    decimals = decimals.ljust(zeros, "0")
    return _canonical(f"{whole}{decimals[:zeros]}.{decimals[zeros:]}")


def _counted(tokens: list[str], place: int, value: str, found: Quantities) -> int:
    """Count a value with the unit at `place` and a half after it, and return the place after all."""
    place, half = _half(tokens, place)
    place, unit = _unit(tokens, place)
    if not half:
        place, half = _half(tokens, place)
    if half:
        value = _canonical(f"{value}.5") if value.isdigit() else value
    found.values[value] += 1
    if unit:
        found.units.setdefault(value, set()).add(unit)
        found.all_units.add(unit)
        if place < len(tokens) and tokens[place].lower() in _PER:
            place, per = _unit(tokens, place + 1)
            if per:
                found.all_units.add(per)
    return place


def _half(tokens: list[str], place: int) -> tuple[int, bool]:
    """The place after "and a half", and whether it stands there."""
    following = [folded(token) for token in tokens[place : place + 3]]
    if following[:1] in (["ونصف"], ["ونصفا"]):
        return place + 1, True
    if following == ["and", "a", "half"]:
        return place + 3, True
    return (place + 2, True) if following[:2] == ["and", "half"] else (place, False)


def _unit(tokens: list[str], place: int) -> tuple[int, str]:
    if place >= len(tokens):
        return place, ""
    if tokens[place] == "°":
        place += 1
        return (place + 1, "°C") if tokens[place : place + 1] in (["C"], ["م"]) else (place, "")
    if tokens[place] in _LETTERS:
        return place, ""
    word = folded(tokens[place])
    after = folded(tokens[place + 1]) if place + 1 < len(tokens) else ""
    unit = UNITS.get(word) or UNITS.get(bare(word)) or AFTER_NUMBER.get(word, "")
    for firsts, seconds, whole in OF_TWO_WORDS:
        if (word in firsts or unit in firsts) and after in seconds:
            return place + 2, whole
    return (place + 1, unit) if unit else (place, "")


def _after_particle(word: str) -> str:
    """The unit of a word such as "with litres", whose first letters look like particle and article."""
    return WORD_UNITS.get(word[1:], "") if word[:2] in ("بل", "فل", "كل", "ول") else ""


def _weak(word: str, found: Quantities) -> bool:
    """Note what a word may say; whether it may be a number."""
    value, dual, named = _may_be(word)
    found.weak.update((value,) if value else ())
    found.dual = found.dual or dual
    for group, one in named:
        found.named.setdefault(group, set()).add(one)
    return bool(value)


@lru_cache(maxsize=50_000)
def _may_be(word: str) -> tuple[str, bool, tuple[tuple[str, str], ...]]:
    """The number that a word may say, whether it may be a dual, and its groups with what it is in each."""
    value = hints.WEAK.get(word) or (None if word.isascii() else hints.WEAK.get(bare(word)))
    dual = bool(not word.isascii() and hints.DUAL.match(word) and bare(word) not in hints.NOT_DUAL)
    named = ((group, known.get(word) or known.get(bare(word))) for group, known in hints.GROUPS.items())
    return value or "", dual, tuple((group, one) for group, one in named if one)
