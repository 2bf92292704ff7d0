"""Detect caption leaks: answers about an image that cite the caption or text that their writer saw instead of it.

English and Arabic. "A caption", "the clinical context" and "in the context of" are ordinary phrases; "the figure
caption states" and "as described in the provided context" are leaks. An answer may cite a caption that the question
mentions.
"""

import re

from data_prep.text.normalise import normalised

CUES = (
    *("caption", "legend", "context", "description", "text", "passage", "article", "abstract"),
    *("تعليق", "تسمية", "الشرح", "للشرح", "الوصف", "للوصف", "السياق", "للسياق", "النص", "للنص"),
)

# Patterns read `normalised` text: an apostrophe is a blank, ة is ه, ى is ي, and a lone hamza is nothing.
_GIVEN = r"(?:provided|given|accompanying|associated|corresponding|supplied|original)"
_WHOSE = rf"(?:(?:{_GIVEN}|figure|fig|image|picture)(?: s)? )"
_BY = r"(?:based (?:up)?on|according to|as per)"
_IN = r"(?:(?:described|stated|mentioned|noted|indicated|explained|specified|provided|given) in|in|by|from)"
_SAYS = (
    r"(?:(?:also|only|clearly|specifically|explicitly) )?(?:states?|says|mentions?|indicates?|describes?"
    r"|provides?|notes|explains|specif(?:y|ies)|refers|reports|does not|doesn t)\b"
)
_GIVEN_AR = r"(?:المرفق|المرفقه|المقدم|المقدمه|المعطي|المعطاه|المصاحب|المصاحبه|التوضيحي|التوضيحيه)"
_BY_AR = r"(?:بنا علي|استنادا الي|اعتمادا علي|وفقا|وفق|طبقا|حسب|بحسب)"
_IN_AR = r"(?:كما (?:هو )?\w+ في|(?:ال)?(?:مذكور|موصوف|موضح|وارد|مبين|محدد)ه? في|(?:ذكر|ورد|جا)ت? في|في|من)"
_SAYS_AR = r"(?:يذكر|تذكر|يشير|تشير|يوضح|توضح|يصف|تصف|ينص|تنص|يبين|تبين|يحدد|تحدد)"


def _english(noun: str, by: str, within: str) -> re.Pattern[str]:
    """`by` and `within` quantify the words of _WHOSE before the noun, after _BY and after _IN."""
    return re.compile(
        rf"\b(?:{_BY} (?:the|this|its) {_WHOSE}{by}|{_IN} (?:the|this|its) {_WHOSE}{within}){noun}\b"
        r"(?! (?:of|for|you)\b)"
        rf"|\bthe {_WHOSE}{by}{noun} {_SAYS}|\bthe {noun} (?:{_GIVEN}|above|attached) {_SAYS}"
    )


def _arabic(noun: str, bare: str = "") -> re.Pattern[str]:
    """`bare`: the noun after _BY_AR without an adjective, if that is enough."""
    given = rf"(?:ال|لل){noun} {_GIVEN_AR}"
    alone = rf"|\b{_BY_AR} {bare}" if bare else ""
    return re.compile(rf"\b(?:{_BY_AR}|{_IN_AR}|{_SAYS_AR}) {given}\b|\b{given} (?:لا )?{_SAYS_AR}\b{alone}")


_LEAKS = {
    "caption": _english("caption", "*", "*"),
    "legend": _english("(?<=figure )legend", "+", "+"),
    "mention": re.compile(r"\bin text mentions?\b"),
    "context": _english("context", "*", "+"),
    "description": _english("description", "*", "+"),
    **{noun: _english(noun, "+", "+") for noun in ("text", "passage", "article", "abstract")},
    "تعليق": _arabic("تعليق", r"(?:(?:ال|لل)تعليق|ل?تعليق (?:ال|لل)(?:صوره|شكل))\b"),
    **{noun: _arabic(noun) for noun in ("تسميه", "شرح", "وصف", "سياق", "نص")},
}


def leak(answer: str, question: str) -> str:
    """The phrase by which an answer cites a caption that the question does not mention; else empty."""
    folded = answer.lower()
    if not any(cue in folded for cue in CUES):
        return ""
    compared = normalised(answer)
    for noun, pattern in _LEAKS.items():
        if noun in compared and (found := pattern.search(compared)) and noun not in normalised(question):
            return found[0]
    return ""
