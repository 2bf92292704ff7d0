"""Find numbers and addresses that identify a person, English and Arabic, in Western and Arabic digits.

`\\d` matches the digits of every script. Not found: toll-free numbers and hotlines, which are public; dates without a
word for birth; numbers with neither a label nor the form of a country.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

TURN_END = "\x1e"
"""Stands between the turns of a conversation that is read as one text; white space, in patterns as well."""
_GAP = rf"[^\S\r\n{TURN_END}]"
_LINK = r"[\s:#=–-]*(?:(?:is|was|هو|هي|no\b\.?|number)\s*:?\s*){0,2}"
_ASKED = (
    r"(?: number)?(?: (?:of|for|on|in) (?:(?:the|this|your|my) )?[\w-]+| ال\w+)?\s*[?؟]\s*"
    r"(?:(?:it is|it['’]s|is|on|s?he was born(?: on)?|هو|هي|في)\s)?"
)
"""Between the label in a question and the value in its answer."""
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?|يناير|فبراير|مارس|[أاإ]بريل|مايو|يونيو|يوليو|[أا]غسطس|سبتمبر|[أا]كتوبر|نوفمبر|ديسمبر"
    "|كانون (?:الثاني|الأول)|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين (?:الثاني|الأول)"
    "|محرم|صفر|ربيع (?:الأول|الثاني|الآخر)|جمادى (?:الأولى|الآخرة|الثانية)|رجب|شعبان|رمضان|شوال|ذو القعدة|ذو الحجة"
)
_DATE = (
    rf"(?:\d{{1,2}}{_GAP}?[/.-]{_GAP}?\d{{1,2}}{_GAP}?[/.-]{_GAP}?\d{{2,4}}"
    rf"|\d{{4}}{_GAP}?[/.-]{_GAP}?\d{{1,2}}{_GAP}?[/.-]{_GAP}?\d{{1,2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})\.?,? (?:عام |سنة )?\d{{4}}"
    rf"|(?:{_MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})(?!\d)"
)
_ALONE = r"(?<![\w./+-])"


class _Pattern(NamedTuple):
    """A pattern whose group `value` is the number, and the conditions on a text for trying it."""

    kind: str
    fewest_digits: int
    cues: list[str]
    expression: re.Pattern[str]


def _labelled(kind: str, fewest_digits: int, cues: str, label: str, value: str, *, answers: str = "") -> _Pattern:
    """A value directly after its label; the text must contain one of `cues`, parts of the label in lower case.

    `answers` is a lookahead that the value meets if the label is a question's.
    """
    expression = re.compile(rf"{label}(?:{_LINK}|{_ASKED}{answers})(?P<value>{value})", re.IGNORECASE)
    return _Pattern(kind, fewest_digits, cues.split("|"), expression)


def _form(kind: str, fewest_digits: int, cues: str, value: str) -> _Pattern:
    """A value recognised by its form."""
    return _Pattern(kind, fewest_digits, cues.split("|"), re.compile(rf"{_ALONE}(?P<value>{value})(?![\w-])"))


_PATTERNS = [
    _labelled(
        "birth_date",
        5,
        "birth|dob|d.o.b|born|ميلاد|ولادة|مواليد|ولد|ُلد",
        r"(?:\bD\.?O\.?B\b\.?|\b(?:date of birth|birth ?date|birthday)|\bborn(?: on)?"
        r"|تاريخ (?:ال)?(?:ميلاد|ولادة)\w*|\bمواليد|\bو\u064f?لدت?(?: (?:في|بتاريخ|يوم))*)",
        _DATE,
    ),
    _labelled(
        "record_number",
        4,
        "mrn|uhid|nhs n|record n|record i|record #|hospital n|hospital i|patient n|patient i|chart n|chart i|file n"
        "|file i|ملف|سجل|رقم ال",
        r"(?:\b(?:MRN|UHID|NHS (?:number|no\b\.?)|(?:medical )?record (?:number|no\b\.?|id\b|#)"
        r"|(?:hospital|patient|chart|file) (?:id\b|number|no\b\.?|#))"
        r"|رقم (?:ال)?(?:ملف|سجل|مريض)(?:ي|ك|ه|ها)?(?: (?:ال)?(?:طبي|مريض))?|(?:الملف|السجل) رقم)",
        r"[A-Z]{0,4}[-/]?\d(?:[\d/-]{2,}\d)",
        answers=rf"(?=[\w/-]+[.,;!]?\s*(?:{TURN_END}|$)|(?:[A-Z/-]*\d){{6}})",  # not "per patient ID? 1200 images"
    ),
    _labelled(
        "phone",
        7,
        "phone|tel|mobile|fax|whatsapp|هاتف|جوال|تلفون|تليفون|موبايل|واتساب|فاكس",
        r"(?:\b(?:telephone|(?:cell ?|mobile )?phone|tel|mobile|fax|whatsapp)\b\.?"
        r"|(?:هاتف|جوال|تلفون|تليفون|موبايل|واتساب|فاكس)\w*)",
        rf"\+?\(?\d(?:(?:{_GAP}|[().-]){{0,2}}\d){{6,14}}(?!\d)",
    ),
    _form(
        "phone",
        9,
        "+",
        rf"\+(?=(?:(?:{_GAP}|[().-])?\d){{9,15}}(?!\d))\d{{1,3}}(?:{_GAP}|[.-])?\(?\d{{1,4}}\)?"
        rf"(?:(?:{_GAP}|[.-])?\d{{2,4}}){{2,4}}",
    ),
    _form("phone", 10, "-|.", r"(?!\(?8(?:00|33|44|55|66|77|88)\b)(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}"),
    _form("phone", 10, "05|٠٥|01|٠١", r"(?:05\d|٠٥\d|01[0125]|٠١[٠١٢٥])\d{7}"),
    _form("national_id", 9, "-", r"(?!000|666|9)\d{3}-\d{2}-\d{4}|784-\d{4}-\d{7}-\d"),
    _labelled(
        "national_id",
        6,
        "ssn|social sec|national id|iqama|emirates id|passport|هوية|إقامة|اقامة|جواز|قومي|وطني|المدني",
        r"(?:\b(?:SSN|social security|national id(?:entity)?(?: card)?|iqama|emirates id|passport)\b"
        r"|رقم (?:ال)?(?:هوية|[إا]قامة|جواز)(?: (?:الوطنية|السفر|سفر))?|الرقم (?:القومي|الوطني)|الهوية الوطنية"
        r"|السجل المدني)",
        r"[A-Z]{0,2}\d(?:[ -]?\d){5,17}",
    ),
]
UNLABELLED_DIGITS = 9
"""The fewest digits of a number found without a label."""
HINT = "|".join(re.escape(cue) for one in _PATTERNS if one.fewest_digits < UNLABELLED_DIGITS for cue in one.cues)
"""A necessary condition for a number with fewer digits, ignoring case; in RE2 syntax."""
_EMAIL = re.compile(r"(?<![\w.+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,}")
_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_OTHER_DIGIT = re.compile("[٠-٩۰-۹]")


def numbers(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the kind and span of each number and e-mail address."""
    if "@" in text:
        yield from (("email", match.span()) for match in _EMAIL.finditer(text))
    digits = _digits(text)
    folded = text.lower() if digits >= 4 else ""
    for kind, fewest_digits, cues, expression in _PATTERNS:
        if digits >= fewest_digits and any(cue in folded for cue in cues):
            yield from ((kind, match.span("value")) for match in expression.finditer(text))


def _digits(text: str) -> int:
    """The number of ASCII digits; the length of a text with other digits, which are slower to count."""
    if not text.isascii() and _OTHER_DIGIT.search(text):
        return len(text)
    return len(text.encode("utf-8", "surrogatepass").translate(None, _NOT_DIGITS))
