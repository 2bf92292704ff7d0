"""Find names of persons: after a title or a label, English and Arabic.

English names are recognised by their capitals. Arabic has none, so there a name begins with a common given name, which
distinguishes "السيدة تعاني" (the lady suffers) from "السيدة فاطمة". Physicians of the history of medicine ("Dr. Crohn
described") and eponyms of diseases are not found. A name in the turn after its label must be all that the turn, or its
first clause, says: "Patient name:" may be answered by "Not shown", and "What is her name?" by a sentence.
"""

import re
from collections.abc import Iterator

from data_prep.text.identity_numbers import TURN_END

_GAP = rf"[^\S{TURN_END}]"
"""White space within a turn."""
_WORD = r"[A-ZÀ-Þ](?:['’][A-Z])?[a-zà-ÿ]+(?:[A-Z][a-z]+)?(?:-[A-Z][a-z]+)?"
_FULL = (
    rf"(?>(?:[A-Z]\. ?)*{_WORD}(?: (?:[A-Z]\. |(?:bin|ibn|al|van|von|de|der|la|abu) |(?:[Aa]l|[Ee]l)-)?{_WORD}){{0,3}})"
)
_AFTER_LABEL = r"(?>[A-Z][A-Za-zÀ-ÿ'’-]+(?:,? [A-Z](?:\.|[A-Za-zÀ-ÿ'’-]*)){0,3})"
_HISTORY = r"(?:described|discovered|developed|introduced|invented|proposed|published|pioneered|coined|was the first)\b"
_FIELD = r"(?i:patient(?:['’]s)? name|name of (?:the )?patient|surname|(?:first|last|middle) name)"
_SAID = r"(?:[Mm]y|[Hh]is|[Hh]er) name (?:is|was)"
_LABEL = rf"{_FIELD}(?:{_GAP}+is)?{_GAP}*[:=]?{_GAP}*|{_SAID} "
_NO_NAME = r"(?!Age\b|Date\b|DOB\b|Sex\b|MRN\b|Unknown|Not\b|Anonym|Redacted)"
_WHERE = r"(?: (?:on|in|of|for) (?:the|this) [\w-]+)?"
_BEFORE = (
    rf"(?:{_FIELD}(?:\s+is)?{_WHERE}|{_SAID}|\b[Hh](?:is|er) name)\s*"
    rf"(?:[:=]?\s*{TURN_END}|\?)\s*(?:(?:It|He|She)(?:['’]s| is) )?"
)
_NO_ANSWER = (
    r"(?!(?i:n/?a|no|none|nil|not|yes|the|an?|it|i|in|on|this|that|these|there|sorry|unfortunately|un\w+|anonym\w*"
    r"|redacted|confidential|private|hidden|withheld|removed|missing|blank|please|sure|ok|okay|hello|hi|thanks?"
    r"|normal|male|female|age|date|dob|sex|mrn|ct|mri|x-?ray|chest|patients?|names?|masked|cannot|nothing|nobody)\b)"
)
_CLAUSE_END = rf"(?=[.,;!]|\s*(?:[\n{TURN_END}]|$))"

# "Miss" is a verb after a subject ("Radiologists Miss Cancers", "AI Can Miss Sepsis", as headings are written), and a
# noun in "Near Miss".
_MISSING = (
    r"(?:\b(?i:we|i|you|they|who|never|often|easily|rarely|near|hit[ -](?:or|and))"
    r"|\w (?:Can|Could|Did|Do|Does|May|Might|Must|Not|Should|To|Will|Would)"
    r"|\b(?!(?:Is|Was|Has|Does|As|Yes|Thus|Perhaps)\b)[A-Z][a-z]+s)[ -]Miss\b"
)
_MISSED = (
    r"(?:The|An?|Any|Some|Many|Most|All|No|This|That|These|Those|Your|Our|My|Their|His|Her|It|Early|Small|Subtle|Lung"
    r"|Breast|Appointments?|Cancers?|Cases?|Diagnos[ei]s|Diseases?|Doses?|Events?|Findings?|Fractures?|Infections?"
    r"|Lesions?|Metastas[ei]s|Nodules?|Opportunit(?:y|ies)|Patients?|Periods?|Pneumonia|Pneumothorax|Polyps?|Rates?"
    r"|Signs?|Strokes?|Symptoms?|Treatments?|Tumou?rs?)\b"
)

_MARKS = "[\u064b-\u0652]*"
_END = "(?![\\w\u064b-\u0652])"
_NO_ANSWER_AR = (
    "(?!(?:غير|لا|لم|لن|لست|ليست?|بلا|بدون|مجهولة?|محجوب|هذا|هذه|هو|هي|الاسم|اسمه?|اسمها|في|على|من|يوجد|يعاني|تعاني|نعم"
    "|كلا|عذر[اًً]*|المريضة?|السيدة?|الصورة|شكرا)(?![\u0621-\u0652]))"
)
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
_ASKED_AR = rf"\s*(?:هو|هي)?[ :：]*(?:{TURN_END}|[؟?])\s*(?:(?:هو|هي|اسمه|اسمها) )?"
_TURN_OVER = rf"(?=[.،,]?\s*(?:{TURN_END}|$))"
_ARABIC_WORDS = r"(?>[\u0621-\u0652]+(?: [\u0621-\u0652]+(?!\s*[:：])\b){0,3})"

_PATTERNS = [
    (("Mr", "Ms", "Mx", "Mister"), rf"\b(?:Mr|Mrs|Ms|Mx|Mister)\b\.?{_GAP}(?P<value>{_FULL})"),
    (("Mr", "Ms", "Mx"), rf"\b(?:Mr|Mrs|Ms|Mx)\b\.?{TURN_END}{_NO_ANSWER}(?P<value>{_FULL}){_CLAUSE_END}"),
    (("Miss",), rf"{_MISSING}|(?<![\w-])Miss{_GAP}(?!{_MISSED})(?P<value>{_FULL})"),
    (
        ("Dr", "Prof"),
        rf"\b(?:Dr|Prof)\b\.?{_GAP}(?P<value>{_FULL})(?!['’]s?\s)(?! (?:\w+ly |first )?{_HISTORY})",
    ),
    (("name", "Name", "NAME"), rf"\b(?:{_LABEL}){_NO_NAME}(?P<value>{_AFTER_LABEL})"),
    (("name", "Name", "NAME"), rf"\b{_BEFORE}{_NO_NAME}{_NO_ANSWER}(?P<value>{_AFTER_LABEL}){_CLAUSE_END}"),
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
    (("اسم ال",), rf"\bاسم المريضة?{_GAP}*[:：]{_GAP}*(?P<value>{_ARABIC_WORDS})"),
    (
        ("اسم ال",),
        rf"\bاسم المريضة?{_ASKED_AR}(?:(?P<value>{_ANY}{_END}{_MORE})"
        rf"|{_NO_ANSWER_AR}(?P<whole>{_ARABIC_WORDS}){_TURN_OVER})",
    ),
    (
        ("اسم",),
        rf"\b(?:اسم(?:ي|ه|ها|ك)|الاسم(?: الكامل)?){_ASKED_AR}"
        rf"(?P<value>{_SURE}{_END}{_MORE}|{_ANY}{_END}{_MORE}{_TURN_OVER})",
    ),
]
"""The words of which a text with such a name has at least one, and the pattern whose group `value` or `whole` is the
name."""

HINT = "|".join(
    [
        r"[Hh](?:is|er) name\s*(?:\?|[:=]?\s*$)",
        r"(?:اسم(?:ي|ه|ها|ك)|الاسم(?: الكامل)?)\s*(?:هو|هي)?[ :：]*(?:[؟?]|$)",
        r"(?:Mr|Mrs|Ms|Mx|Miss|Mister|Dr|Prof)\.?(?:\s|$)",
        r"(?i:patient(?:['’]s)? name|name of (?:the )?patient|surname|(?:first|last|middle) name)",
        r"(?:[Mm]y|[Hh]is|[Hh]er) name (?:is|was)(?:\s|$)",
        r"(?:man|woman|boy|girl|patient|child|infant|male|female),? (?:named|called) ",
        rf"(?:سيدة?|نسة|دكتورة?|ستاذة?|حاجة?|د[./]) ?[/:]? ?{_ANY}",
        rf"(?:مريضة?|طفلة?) ?[/:]? ?{_ANY}",
        rf"(?:اسم(?:ي|ه|ها)|الاسم(?: الكامل)?|دع[ىي]) ?:? ?{_ANY}",
        r"اسم المريض",
    ]
).replace(r"\w+", "")
"""A necessary condition for a name, in RE2 syntax: the beginnings of the patterns, as far as RE2 supports them."""

_COMPILED = [(cues, re.compile(expression)) for cues, expression in _PATTERNS]


_NOWHERE = (-1, -1)


def names(text: str) -> Iterator[tuple[int, int]]:
    """Yield the span of each name."""
    for cues, expression in _COMPILED:
        if any(cue in text for cue in cues):
            yield from (span for match in expression.finditer(text) if (span := _value(match)) != _NOWHERE)


def _value(match: re.Match[str]) -> tuple[int, int]:
    """The span of the name in a match; _NOWHERE if what matched is a phrase without one."""
    return next((match.span(group) for group in match.re.groupindex if match[group]), _NOWHERE)
