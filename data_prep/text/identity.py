"""Find and mask personal identifiers: names with a title, dates of birth, and numbers of one person.

Patterns rather than a model, precise rather than broad: a name needs a title or a label, a number needs its label
or an unmistakable form. What a source has already redacted (`[**...**]` and `___` in MIMIC) is not found.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from data_prep.text.identity_numbers import numbers
from data_prep.text.language import arabic_share

MASKS = {
    "name": ("[NAME]", "[اسم]"),
    "birth_date": ("[DATE OF BIRTH]", "[تاريخ الميلاد]"),
    "record_number": ("[RECORD NUMBER]", "[رقم السجل]"),
    "phone": ("[PHONE]", "[هاتف]"),
    "email": ("[EMAIL]", "[بريد إلكتروني]"),
    "national_id": ("[ID NUMBER]", "[رقم الهوية]"),
}
"""The kinds of identifiers, and the mask of each in English and in Arabic text."""

_REDACTED = re.compile(r"\[\*\*.*?\*\*\]", re.DOTALL)


class Found(NamedTuple):
    """A kind in MASKS, and the span of the name or number itself, without its title or label."""

    kind: str
    start: int
    end: int


def find(text: str) -> list[Found]:
    """The identifiers in the text, in order, without overlaps."""
    read = _REDACTED.sub(lambda taken: "_" * len(taken[0]), text) if "[**" in text else text
    every = [Found("name", *place) for place in names(read)]
    every += [Found(kind, *place) for kind, place in numbers(read)]
    kept: list[Found] = []
    for found in sorted(every, key=lambda one: (one.start, -one.end)):
        if not kept or found.start >= kept[-1].end:
            kept.append(found)
    return kept


def masked(text: str) -> str:
    """The text with each identifier replaced by its mask, in the text's language."""
    found = find(text)
    arabic = bool(found) and arabic_share(text) > 0.5
    for kind, start, end in reversed(found):
        text = text[:start] + MASKS[kind][arabic] + text[end:]
    return text


# Names of persons. English ones are recognised by their capitals. Arabic has none, so there a name begins with a common
# given name, which distinguishes "السيدة تعاني" (the lady suffers) from "السيدة فاطمة". Physicians of the history of
# medicine ("Dr. Crohn described") and eponyms of diseases are not found.
_WORD = r"[A-ZÀ-Þ](?:['’][A-Z])?[a-zà-ÿ]+(?:[A-Z][a-z]+)?(?:-[A-Z][a-z]+)?"
_FULL = (
    rf"(?>(?:[A-Z]\. ?)*{_WORD}(?: (?:[A-Z]\. |(?:bin|ibn|al|van|von|de|der|la|abu) |(?:[Aa]l|[Ee]l)-)?{_WORD}){{0,3}})"
)
_AFTER_LABEL = r"(?>[A-Z][A-Za-zÀ-ÿ'’-]+(?:,? [A-Z](?:\.|[A-Za-zÀ-ÿ'’-]*)){0,3})"
_HISTORY = r"(?:described|discovered|developed|introduced|invented|proposed|published|pioneered|coined|was the first)\b"
_LABEL = (
    r"(?i:patient(?:['’]s)? name|name of (?:the )?patient|surname|(?:first|last|middle) name)"
    r"(?:\s+is)?\s*[:=]?\s*|(?:[Mm]y|[Hh]is|[Hh]er) name (?:is|was) "
)
_NO_NAME = r"(?!Age\b|Date\b|DOB\b|Sex\b|MRN\b|Unknown|Not\b|Anonym|Redacted)"

_MARKS = "[\u064b-\u0652]*"
_END = "(?![\\w\u064b-\u0652])"
_UNLIKE_WORDS = (
    "محمد أحمد محمود مصطفى إبراهيم إسماعيل يوسف يعقوب عثمان خالد حسين حمزة طارق ياسر سامي فيصل فهد بندر نايف مشعل زياد "
    "إياد معاذ أنس بلال ياسين موسى عيسى داود سليمان هشام وسام عماد عصام حسام أسامة رامي فاطمة عائشة مريم زينب خديجة "
    "حليمة سارة نورة هند ليلى سلوى نجلاء هيفاء مها ريم رنا دينا لينا شيماء إيمان سمية ياسمين نادية سعاد فدوى رانيا غادة"
)
_LIKE_WORDS = (
    "علي عمر حسن سعيد كريم جميل صالح سليم طاهر أمين رضا نور هدى منى عادل هالة وفاء سلمى وليد سعد ناصر منصور ماجد جابر "
    "حامد فارس نبيل كمال جمال أمل سعود راشد مبارك قاسم هاني أيمن أشرف شريف نجيب عزيز سلطان تركي باسم ماهر آمنة رقية "
    "لطيفة أسماء جواهر منيرة حصة"
)
"""Given names that are also everyday words ("healthy", "safe"): names only after an honorific or a label."""


def _spelt(name: str) -> str:
    """A pattern for the name with or without vowel marks, and with any form of alef."""
    return "".join(("[اأإآ]" if letter in "اأإآ" else letter) + _MARKS for letter in name)


_SURE = f"(?:{'|'.join(map(_spelt, _UNLIKE_WORDS.split()))}|عبد ?ال\\w+)"
_ANY = f"(?:{_SURE}|{'|'.join(map(_spelt, _LIKE_WORDS.split()))})"
_MORE = rf"(?: (?:(?:بن|ابن|بنت|آل|أبو|ابو) \w+|{_ANY}|ال(?!ذي\b)(?!تي\b)\w+ي){_END}){{0,3}}"

_PATTERNS = [
    (("Mr", "Ms", "Mx", "Mis"), rf"\b(?:Mr|Mrs|Ms|Mx|Miss|Mister)\b\.?\s(?P<value>{_FULL})"),
    (
        ("Dr", "Prof"),
        rf"\b(?:Dr|Prof)\b\.?\s(?P<value>{_FULL})(?!['’]s?\s)(?! (?:\w+ly |first )?{_HISTORY})",
    ),
    (("name", "Name", "NAME"), rf"\b(?:{_LABEL}){_NO_NAME}(?P<value>{_AFTER_LABEL})"),
    (
        (" named ", " called "),
        rf"\b(?:man|woman|boy|girl|patient|child|infant|male|female),? (?:named|called) (?P<value>{_FULL})",
    ),
    (
        ("سيد", "نسة", "دكتور", "د.", "د/", "ستاذ", "حاج"),
        r"(?:(?:ال|لل)(?:سيدة?|[آا]نسة|دكتورة?|[أا]ستاذة?|حاجة?)|\bدكتورة?|(?<!\w)د[./]) ?[/:]? ?"
        rf"(?P<value>{_ANY}{_END}{_MORE})",
    ),
    (("مريض", "طفل"), rf"(?:ال|لل)(?:مريضة?|طفلة?) ?[/:]? ?(?P<value>{_SURE}{_END}{_MORE})"),
    (
        ("اسم", "دعى", "دعي"),
        rf"\b(?:اسم(?:ي|ه|ها)|الاسم(?: الكامل)?|[يت]{_MARKS}دع[ىي]) ?:? ?(?P<value>{_ANY}{_END}{_MORE})",
    ),
    (("اسم ال",), r"\bاسم المريضة?\s*[:：]\s*(?P<value>(?>[\u0621-\u0652]+(?: [\u0621-\u0652]+(?!\s*[:：])\b){0,3}))"),
]
"""The words of which a text with such a name has at least one, and the pattern whose group `value` is the name."""

HINT = "|".join(
    [
        r"(?:Mr|Mrs|Ms|Mx|Miss|Mister|Dr|Prof)\.?(?:\s|$)",
        r"(?i:patient(?:['’]s)? name|name of (?:the )?patient|surname|(?:first|last|middle) name)",
        r"(?:[Mm]y|[Hh]is|[Hh]er) name (?:is|was) ",
        r"(?:man|woman|boy|girl|patient|child|infant|male|female),? (?:named|called) ",
        rf"(?:سيدة?|نسة|دكتورة?|ستاذة?|حاجة?|د[./]) ?[/:]? ?{_ANY}",
        rf"(?:مريضة?|طفلة?) ?[/:]? ?{_ANY}",
        rf"(?:اسم(?:ي|ه|ها)|الاسم(?: الكامل)?|دع[ىي]) ?:? ?{_ANY}",
        r"اسم المريض",
    ]
).replace(r"\w+", "")
"""A necessary condition for a name, in RE2 syntax: the beginnings of the patterns, as far as RE2 supports them."""

_COMPILED = [(cues, re.compile(expression)) for cues, expression in _PATTERNS]


def names(text: str) -> Iterator[tuple[int, int]]:
    """Yield the span of each name."""
    for cues, expression in _COMPILED:
        if any(cue in text for cue in cues):
            yield from (match.span("value") for match in expression.finditer(text))
