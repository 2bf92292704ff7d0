"""Words that a translation turns into their opposites, and the ways of saying that all is normal."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from data_prep.curate.compared import normalised, words

NOT = re.compile(r"\b(?:no|not|without|لا|لم|ليس\w*|دون|بدون|غير)\b")
NOTHING_WRONG = re.compile(
    r"\b(?:nothing|no|not|without|لا|لم|ليس\w*|دون|غير) (?:\w+ ){0,3}?(?:wrong|abnormal\w*|unusual|remarkable"
    r"|enlarged?|dilated|displaced|thickened|swollen|elevated|raised"
    r"|شذوذ\w*|غير طبيعي|شاذ|متضخم\w?|متوسع\w?|متسمك\w?|متورم\w?|منزاح\w?|مرتفع\w?)"
)
"""Denials that another language may say as "normal"."""
SOUND = re.compile(
    r"\b(?:normal|clear|intact|healthy|unremarkable|midline|sharp|preserved)\b|\b(?:ال)?(?:سليم|طبيعي|صافي|نظيف"
    r"|واضح|سوي)"
)
"""Words of a question that a denial of something else affirms."""
_MORE_OR_LESS = (
    r"\b(?:increas|elevat|rais|ris|rose|high|hyper|excess|enlarg|over)\w*|زياد|ارتفاع|مرتفع|فرط|تضخم|عالي",
    r"\b(?:failure|insufficien|deficien|low|loss|lost|hypo|reduc|decreas|drop|f[ea]ll|weak|less|declin|lack)\w*"
    r"|نقص|انخفاض|قصور|هبوط|ضعف|قله",
)
_LEAST_NAMES = 2
"""Names and numbers that show an exchange."""
_NO_OTHERS = (r"(?!)", r"(?!)")


class _Pair(NamedTuple):
    """Two opposites.

    Attributes:
        en, ar: patterns of both in normalised text.
        also: patterns of other words, in both languages, that a translation may say with those of the pair.
    """

    en: tuple[str, str]
    ar: tuple[str, str]
    also: tuple[str, str] = _NO_OTHERS


_ANTONYMS = (
    _Pair((r"\bpositiv\w*", r"\bnegativ\w*"), (r"ايجابي|موجب", r"سلبي|سالب")),
    _Pair((r"\bmalignan\w*", r"\bbenign\w*"), (r"خبيث", r"حميد")),
    _Pair(
        (r"\b(?:increas|elevat)\w*", r"\b(?:decreas|reduc)\w*"),
        (r"زياد|ارتفاع|مرتفع|يزيد|تزيد|متزايد", r"نقص|انخفاض|منخفض|يقل|تقل|ينقص|خفض"),
        _MORE_OR_LESS,
    ),
    _Pair((r"\bacute\b", r"\bchronic\w*"), (r"(?:\b|ال)حاد", r"مزمن")),
    _Pair((r"\babnormal\w*", r"\bnormal\w*"), (r"غير (?:ال)?طبيعي|شاذ|شذوذ", r"(?<!غير )(?<!غير ال)طبيعي")),
    _Pair(
        (
            r"\b(?:larger?|largest|big|bigger|enlarg\w*)\b(?! (?:bowel|intestin\w*|cell))",
            r"\b(?:small\w*|tiny)\b(?! (?:bowel|intestin\w*|cell))",
        ),
        (r"كبير|كبر|ضخم|ضخام|تضخم", r"صغير|اصغر|صغر|ضييل|دقيق|بسيط|طفيف|خفيف"),
        (
            r"\b(?:\w*megaly|\w*troph\w*|\w*plas\w*|goit\w*|great\w*|maj\w*|grow\w*)|ضخام|تضخم",
            r"\b(?:minor|mild|slight)",
        ),
    ),
    _Pair(
        (r"\bhigh\b", r"\blow\b(?! (?:back|power|lying|lumbar))"),
        (r"(?:\b|ال)(?:عالي\w?|مرتفع\w*|ارتفاع)", r"(?:\b|ال)(?:منخفض\w*|انخفاض|قليل\w?|متدني\w?)"),
        _MORE_OR_LESS,
    ),
    _Pair(
        (r"\b(?:improv\w*|better)\b", r"\b(?:worse\w*|deteriorat\w*)\b"), (r"تحسن|افضل", r"ساءت?\b|سوءا|تدهور|تفاقم")
    ),
    _Pair(
        (r"\bbefore\b", r"\bafter\b"),
        (
            r"(?<!من )\b[وف]?قبل\b(?! (?:مضي|مرور|انقضا|انتها|اكتمال|ان [يت](?:مر|مضي|نقضي|نتهي|كتمل))\b)",
            r"\b[وف]?بعد\b",
        ),
        (
            r"\b(?:ago|prior|earlier|previous\w*|until|by|pre\w+)\b|سابق|منذ",
            r"\b(?:following|in|within|post\w*|later|since|yet)\b|عقب|اثر|خلال|لاحق",
        ),
    ),
    _Pair((r"\banterior\w*", r"\bposterior\w*"), (r"امام|قدامي", r"خلفي?\b|خلفيه")),
    _Pair((r"\b(?:upper|superior)\b", r"\b(?:lower|inferior)\b"), (r"علوي|عليا\b|اعلي\b", r"سفلي|اسفل|دنيا\b")),
    _Pair(
        (r"\bproximal\w*", r"\bdistal\w*"),
        (r"\b[وبل]?(?:ال)?(?:داني|قريب)", r"\b[وبل]?(?:ال)?(?:قاصي|بعيد)"),
    ),
    _Pair(
        (r"\bmedial\w*", r"\blateral\w*"),
        (r"\b[وبل]?(?:ال)?(?:انسي|داخلي|اوسط|وسطي)", r"\b[وبل]?(?:ال)?(?:وحشي|جانب|خارجي)"),
    ),
    _Pair((r"\bhyper\w+", r"\bhypo\w+"), (r"فرط|ارتفاع|زياد|تضخم", r"نقص|انخفاض|قصور|هبوط"), _MORE_OR_LESS),
)
_PAIRS = [tuple(tuple(map(re.compile, patterns)) for patterns in pair) for pair in _ANTONYMS]


_EITHER = [
    tuple(map(re.compile, pair))
    for pair in (
        (r"\b(?:male|man|boy|ذكرا?|رجلا?)\b", r"\b(?:female|woman|girl|انثي|امراه)\b"),
        (r"\b(?:supine|استلقا)", r"\b(?:prone|upright|erect|standing|انبطاح)"),
        (r"\b(?:right|ايمن|يمني|يمين)\b", r"\b(?:left|ايسر|يسري|يسار)\b"),
        (r"\b(?:solid|صلبه?)\b", r"\b(?:cystic|كيسيه?)\b"),
        (r"\b(?:open|مفتوحه?)\b", r"\b(?:closed|مغلقه?)\b"),
    )
]
"""Properties of which a thing has one or the other, beside the opposites of a translation."""


def otherwise(question: str, text: str) -> bool:
    """Whether a text names the one property of a pair where its question asks for the other alone."""
    asked, said = normalised(question), normalised(text)
    for one, other in _EITHER:
        for this, that in ((one, other), (other, one)):
            if this.search(asked) and not that.search(asked) and that.search(said) and not this.search(said):
                return True
    return False


def sound_instead(denied: str, said: str) -> bool:
    """Whether a normalised text denies that something is wrong where the other says that it is normal."""
    return bool(NOTHING_WRONG.search(denied)) and bool(SOUND.search(said)) and not NOT.search(said)


def _exchanged(source: str, text: str, one: tuple[re.Pattern[str], ...], other: tuple[re.Pattern[str], ...]) -> bool:
    """Whether opposites changed places: each name and number that both texts have stands next to the other one."""
    compared, translated = words(source), words(text)
    names = {word for word in set(compared) & set(translated) if word.isascii() and word.isalnum()}
    before, after = _beside(compared, names, one), _beside(translated, names, other)
    shared = before.keys() & after.keys()
    return len(shared) >= _LEAST_NAMES and all(before[name] != after[name] for name in shared)


def _beside(text: list[str], names: set[str], pair: tuple[re.Pattern[str], ...]) -> dict[str, int]:
    """Which of two opposites stands nearest to each name, 0 or 1; nothing unless both are in the text."""
    places = [(place, which) for place, word in enumerate(text) for which in (0, 1) if pair[which].search(word)]
    if len({which for _, which in places}) < 2:
        return {}
    found: dict[str, int] = {}
    for place, word in enumerate(text):
        if word in names:
            near = sorted((abs(other - place), which) for other, which in places)
            if near[0][0] < near[1][0] or near[0][1] == near[1][1]:
                found[word] = near[0][1]
    return found


def opposites(source: str, text: str, source_language: str, language: str) -> Iterator[str]:
    """What a text says the opposite of: it has one word of a pair where its source has only the other."""
    compared, translated = normalised(source), normalised(text)
    if sound_instead(compared, translated) or sound_instead(translated, compared):
        return
    for english, arabic, also in _PAIRS:
        of = {"en": english, "ar": arabic}
        has = [pattern.search(compared) for pattern in of[source_language]]
        if has[0] and has[1] and _exchanged(source, text, of[source_language], of[language]):
            yield f"exchanges {has[0][0]!r} and {has[1][0]!r}"
        if bool(has[0]) == bool(has[1]):
            continue
        this, that = (0, 1) if has[0] else (1, 0)
        word = has[this]
        gets = [pattern.search(translated) for pattern in of[language]]
        if word and gets[that] and not gets[this] and not also[that].search(compared):
            yield f"says the opposite of {word[0]!r}"
