"""The numbers in a text as values, with their units: digits of any script, number words, duals."""

import re
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from data_prep.curate.checks import number_words as table
from data_prep.curate.checks.units import OF_TWO_WORDS, UNITS, WORD_UNITS
from data_prep.text.normalise import plain

_ASCII = {
    code: str(unicodedata.decimal(chr(code)))
    for code in range(128, sys.maxunicode + 1)
    if unicodedata.category(chr(code)) == "Nd"
}
_ASCII |= {ord("٫"): ".", ord("٬"): "'", ord("’"): "'", ord("\u202f"): "'", ord("٪"): "%", ord("،"): ","}
_TOKEN = re.compile(r"[0-9]+(?:[.,'][0-9]+)*|[½¼¾⅓⅔]|[^\W\d_]+|[%/°]")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([,'])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75", "⅓": "0.333", "⅔": "0.667"}
_AS_DECIMAL = {("1", "2"): "0.5", ("1", "4"): "0.25", ("3", "4"): "0.75"}
_MARKS = re.compile("[\u064b-\u0652\u0670\u0640]")
_NAMES = re.compile(r"\b(?:HbA1c|A1[Cc]|S[pa]O2|P?a?CO2|PaO2|H2O|O2)\b")
"""Names with digits that a translation may write in words."""
_SPACED = re.compile(r"(?<![0-9.,])([1-9][0-9]{0,2})((?: [0-9]{3})+)(?![0-9])")
_PAIR = re.compile(r"(?<![0-9/.,])([0-9]{1,3})/([0-9]{1,3})(?![0-9/.,]?[0-9/])")
_ROMAN = {"II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7", "VIII": "8", "IX": "9", "X": "10"}
_GRADED = frozenset(("grade", "stage", "type", "class", "nerve", "factor", "degree"))
_PER = ("/", "per", "لكل")


@dataclass
class Quantities:
    """The numbers of a text.

    Attributes:
        values: each value as a decimal without needless zeros, and how often it stands there.
        weak: values of words that may be no number, such as "one", a dual or a month.
        units: for each value the units that follow it.
        all_units: every unit in the text.
        named: ordinals, fractions, months and halves of the day, by their group.
        pairs: two numbers with a stroke between them, such as a blood pressure.
    """

    values: Counter[str] = field(default_factory=Counter)
    weak: set[str] = field(default_factory=set)
    units: dict[str, set[str]] = field(default_factory=dict)
    all_units: set[str] = field(default_factory=set)
    named: dict[str, set[str]] = field(default_factory=dict)
    pairs: set[tuple[str, str]] = field(default_factory=set)


def quantities(text: str) -> Quantities:
    """The numbers of a text of any language."""
    text = _NAMES.sub(" ", _MARKS.sub("", text)).translate(_ASCII)
    text = _SPACED.sub(lambda found: found[1] + found[2].replace(" ", ""), text)
    tokens = _TOKEN.findall(text)
    found = Quantities()
    place = 0
    while place < len(tokens):
        place = _read(tokens, place, found)
    found.pairs = {(one, other) for one, other in _PAIR.findall(text) if one != other}
    return found


def _read(tokens: list[str], place: int, found: Quantities) -> int:
    token = tokens[place]
    if token[0].isdigit() and token.isascii():
        return _digits(tokens, place, found)
    if token in _FRACTIONS:
        return _counted(tokens, place + 1, _FRACTIONS[token], found)
    word = _folded(token)
    value, following = _word_value(tokens, place)
    if value is not None:
        return _counted(tokens, following, str(value), found)
    if token in _ROMAN and place and tokens[place - 1].lower() in _GRADED:
        return _counted(tokens, place + 1, _ROMAN[token], found)
    _weak(word, found)
    if unit := WORD_UNITS.get(word) or WORD_UNITS.get(_bare(word)):
        found.all_units.add(unit)
        dual = word.endswith(("ان", "ين", "ي")) and _bare(word) not in UNITS and word not in UNITS
        if dual:
            found.weak.add("2")
            found.units.setdefault("2", set()).add(unit)
    elif word in UNITS and len(word) > 1:
        found.all_units.add(UNITS[word])
    return place + 1


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
    if following < len(tokens) and (scale := table.SCALES.get(_folded(tokens[following]))) and scale >= 1000:
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
    """Count a value with the unit at `place`, and return the place after both."""
    found.values[value] += 1
    place, unit = _unit(tokens, place)
    if unit:
        found.units.setdefault(value, set()).add(unit)
        found.all_units.add(unit)
        if place < len(tokens) and tokens[place].lower() in _PER:
            place, per = _unit(tokens, place + 1)
            if per:
                found.all_units.add(per)
    return place


def _unit(tokens: list[str], place: int) -> tuple[int, str]:
    if place >= len(tokens):
        return place, ""
    if tokens[place] == "°":
        place += 1
        return (place + 1, "°C") if tokens[place : place + 1] in (["C"], ["م"]) else (place, "")
    word = _folded(tokens[place])
    after = _folded(tokens[place + 1]) if place + 1 < len(tokens) else ""
    unit = UNITS.get(word) or UNITS.get(_bare(word), "")
    for firsts, seconds, whole in OF_TWO_WORDS:
        if (word in firsts or unit in firsts) and after in seconds:
            return place + 2, whole
    return (place + 1, unit) if unit else (place, "")


def _word_value(tokens: list[str], place: int) -> tuple[int | None, int]:
    """The value of the number words from `place`, with the place after them; None if there are none."""
    total = _simple(_folded(tokens[place]))
    if total is None:
        if (place_value := _ordinal(_folded(tokens[place]))) is not None:
            return place_value, place + 1
        return (table.SCALES[tokens[place].lower()], place + 1) if tokens[place].lower() in ("thousand",) else (None, 0)
    place += 1
    while place < len(tokens):
        word = _folded(tokens[place])
        value = _simple(word)
        if word in table.SCALES:
            total *= table.SCALES[word]
        elif value == 10 and 2 <= total <= 9 and word.startswith("عشر"):
            total += 10
        elif value is not None and _joins(total, value, word):
            total += value
        elif word == "and" and total >= 100 and place + 1 < len(tokens) and _simple(_folded(tokens[place + 1])):
            pass
        else:
            break
        place += 1
    return total, place


def _joins(total: int, value: int, word: str) -> bool:
    if word.startswith("و"):
        return (total < 10 and value in range(20, 100, 10)) or (total % 100 == 0 and 0 < value < 100)
    return (total in range(20, 100, 10) and value < 10 and word.isascii()) or (
        total % 100 == 0 and value < 100 <= total
    )


def _simple(word: str) -> int | None:
    value = table.SIMPLE.get(word)
    if value is None and not word.isascii() and not word.startswith("الاثنين"):
        value = table.SIMPLE.get(_bare(word))
    return value


def _ordinal(word: str) -> int | None:
    return table.ORDINALS.get(word) or (None if word.isascii() else table.ORDINALS.get(_bare(word)))


def _weak(word: str, found: Quantities) -> None:
    value = table.WEAK.get(word) or (None if word.isascii() else table.WEAK.get(_bare(word)))
    if value:
        found.weak.add(value)
    for group, known in table.GROUPS.items():
        if one := known.get(word) or known.get(_bare(word)):
            found.named.setdefault(group, set()).add(one)
    if not word.isascii() and table.DUAL.match(word) and _bare(word) not in table.NOT_DUAL:
        found.weak.add("2")


def _bare(word: str) -> str:
    return table.PREFIX.sub("", word)


_cache: dict[str, str] = {}


def _folded(token: str) -> str:
    if token.isascii():
        return token.lower()
    known = _cache.get(token)
    if known is None:
        known = "".join(map(plain, token[:40])).strip()
        if len(_cache) < 100_000:
            _cache[token] = known
    return known
