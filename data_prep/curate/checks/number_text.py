"""A text as the reader of numbers takes it: ASCII digits, no names with numbers, each unit and month as one word."""

import re
import sys
import unicodedata

from data_prep.curate.checks.listed import listed

_ASCII = {
    code: str(unicodedata.decimal(chr(code)))
    for code in range(128, sys.maxunicode + 1)
    if unicodedata.category(chr(code)) == "Nd"
}
_ASCII |= {ord("٫"): ".", ord("٬"): "'", ord("’"): "'", ord("\u202f"): "'", ord("٪"): "%", ord("،"): ","}
_MARKS = re.compile("[\u064b-\u0652\u0670\u0640]")
_NAMES = re.compile(
    r"(?<![A-Za-z0-9])(?:HbA1c|A1[Cc]|(?:S[pav]|Fi|P?[aA]?C|P[aA]|et ?C)?O2|H2O2?"
    r"|(?:[Ff]ree |[Tt]otal |F|f)T[34]|T[34](?= ?الحر| ?الكلي)|HCO3|NH3|N2O|COVID-19)"
    r"(?![A-Za-z0-9])|كوفيد[ -]?19|ال[اإ]ثن[يا] عشر\b|\b(?:ال)?[اإ]ثن[يا] ?عشري\w*|\b[أا]ثناء\b"
)
"""Names with numbers that a translation may write in words; and "during", which without its hamza is a two."""
_LETTER_BEFORE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{1,2}(?=[0-9])")
"""The letters of names such as L4 and T2, which are no units of the number before."""
_SHORTHAND = re.compile(r"\b([btq])\.? ?([id])\.? ?d\b\.?")
_DECADE_EN = re.compile(r"\b(1[0-9]|20)([0-9])0['’]?s\b")
_DECADE_AR = re.compile(
    r"(عشر|ثلاث|أربع|اربع|خمس|ست|سبع|ثمان|تسع)ين[يّ]*ات القرن (الماضي|العشرين|التاسع عشر|الحادي والعشرين)"
)
_DECADES = dict(zip(listed("عشر ثلاث أربع خمس ست سبع ثمان تسع اربع"), listed("2 3 4 5 6 7 8 9 4"), strict=True))
_CENTURIES = {"الماضي": "19", "العشرين": "19", "التاسع عشر": "18", "الحادي والعشرين": "20"}
_SPACED = re.compile(r"(?<![0-9.,])([1-9][0-9]{0,2})((?: [0-9]{3})+)(?![0-9])")
_REGIONAL = {
    **{"كانون الثاني": "يناير", "شباط": "فبراير", "آذار": "مارس", "نيسان": "أبريل", "أيار": "مايو", "حزيران": "يونيو"},
    **{"تموز": "يوليو", "آب": "أغسطس", "أيلول": "سبتمبر", "تشرين الأول": "أكتوبر", "تشرين الثاني": "نوفمبر"},
    **{"كانون الأول": "ديسمبر", "يونيه": "يونيو", "يوليه": "يوليو", "يوليوز": "يوليو", "غشت": "أغسطس"},
    **{"شتنبر": "سبتمبر", "نونبر": "نوفمبر", "دجنبر": "ديسمبر", "جانفي": "يناير", "فيفري": "فبراير", "أفريل": "أبريل"},
    **{"ماي": "مايو", "جوان": "يونيو", "جويلية": "يوليو", "أوت": "أغسطس"},
}
"""Months of the Levant, Egypt and the Maghreb, by their names on the Gulf."""
_MONTH = re.compile(rf"(?<!\w)({'|'.join(_REGIONAL)})(?!\w)")
_PREFIXED = re.compile(
    r"(?<!\w)(م[يل]?لل?ي|ميكرو|مايكرو|نانو|بيكو|كيلو|سنتي|ديسي|ميغا|ميجا)[ -](?=(?:غرام|جرام|مول|ل[ي]?تر|متر|مكافئ|ثاني"
    r"|هرتز|باسكال))"
)
"""The prefix of a unit apart from it."""
_DOTTED = re.compile(r"(?<![\u0620-\u064a])([مسك])\.([ثمغجل])(?![\u0620-\u064a])")
"""An abbreviated unit with a dot between its letters."""
_CUBED = re.compile(
    r"\b(?:cc|cubic (?:cm|centimet(?:er|re)s?)|(?:cm|سم|سنتيمتر\w*)(?:3(?!\.?[0-9])| ?³| مكعب\w*))(?!\w)"
)
_SQUARED = re.compile(r"\b(mm?|cm|مم?|ملم|سم)(?:[23](?!\.?[0-9])| ?[²³])")
"""Powers of a unit, whose exponent is no number of the text."""
_NOTATIONS = (
    ("H2O", re.compile(r"\bcm ?H2O\b"), "cmwater"),
    (
        "T",
        re.compile(r"(?<![A-Za-z0-9.])(0\.[0-9]+|1(?:\.[0-9])?|3(?:\.0)?|7) ?T\b(?! (?:cell|score|helper|lymph))"),
        r"\1 tesla",
    ),
    ("+", re.compile(r"\b([1-4][0-9]) ?\+ ?([0-6]) (?=weeks?\b|wks?\b|أسبوع)"), r"\1 weeks \2 days of "),
)
"""Pressures, field strengths, weeks of pregnancy with days: a mark of each, its pattern, and how it is read."""


def readable(text: str) -> str:
    """A text of any language with its numbers and units in the form that is read."""
    text = _MARKS.sub("", text).translate(_ASCII)
    for mark, pattern, written in _NOTATIONS:
        if mark in text:
            text = pattern.sub(written, text)
    text = _NAMES.sub(" ", text)
    text = _SQUARED.sub(r"\1", _CUBED.sub("ml", _DOTTED.sub(r"\1\2", text)))
    text = _MONTH.sub(lambda found: _REGIONAL[found[1]], text)
    text = _PREFIXED.sub(r"\1", text)
    text = _DECADE_AR.sub(lambda found: f"{_CENTURIES[found[2]]}{_DECADES[found[1]]}0", text)
    text = _LETTER_BEFORE.sub("~", _SHORTHAND.sub(r"\1\2d", _DECADE_EN.sub(r"\1\g<2>0", text)))
    return _SPACED.sub(lambda found: found[1] + found[2].replace(" ", ""), text)
