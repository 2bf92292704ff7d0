"""Check the language of a row: by its script, and by lingua if it could be Persian or Urdu instead of Arabic."""

import codecs
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from data_prep.rows import LANGUAGES, Message, Reject, text_by_role, text_of
from data_prep.text.normalise import ALPHABET, CODE

if TYPE_CHECKING:
    from lingua import LanguageDetector

_BLOCKS = ((0x0600, 0x06FF), (0x0750, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
_LETTERS = "".join(chr(code) for low, high in _BLOCKS for code in range(low, high + 1) if chr(code).isalpha())
_ARABIC = re.compile(f"[{_LETTERS}]+")
_ARABIC_WORDS = re.compile("[\u0620-\u0652\u0670-\u06d5\u200c]+")
_NOT_ARABIC = re.compile("[پچژگکیےٹڈڑںہھ]")
ONLY_ARABIC = re.compile("[ةيىكأإؤئ]")
_OTHER_SCRIPT = re.compile(r"[^\W\d_\u0000-\u03ff\u1e00-\u1fff\u2070-\u218f\uff21-\uff5a]")
_UNIVERSAL = re.compile(
    r"(?<!\w)\w*\d\w*|\b(?:[A-Z]{1,6}s?|[mcµn]?m|[mcd]?L|[mc]l|[mkµn]?g|mcg|mmHg|[mM]Hz|m?mol|mEq|pH|min|h|s|x)\b"
)
"""Numbers, units and abbreviations, which are the same in every language. Without the look-behind, a word of n letters
takes n² steps."""
_NO_LETTER = bytes(place for place, character in enumerate(ALPHABET) if not character.isalpha())
_NO_ARABIC = bytes(place for place, character in enumerate(ALPHABET) if not _ARABIC.match(character))
"""The bytes of CODE that encode no letter, and those that encode no Arabic letter."""

ENOUGH = 0.2
_SHORT = 10
_SHORT_ANSWER = 3
"""The most words of an answer that has no language of its own."""
_LINGUA_FROM_WORDS = 4
_LINGUA_READS = 300


def check(answers: str, questions: str, language: str) -> None:
    """Raise Reject unless the answers are in the language, or are numbers and units and the questions are in it.

    Args:
        answers: the text of the assistant's turns.
        questions: the text of the user's turns, which decide only if the answers do not.
        language: the row's language, "en" or "ar".
    """
    if language not in LANGUAGES:
        raise Reject("wrong_language", f"{language!r}; known: {', '.join(LANGUAGES)}")
    if language == "ar":
        _check_arabic(answers, questions)
    elif not (answers.isascii() and questions.isascii()):
        _check_english(answers, questions)


def arabic_share(text: str) -> float:
    """The share of Arabic letters among the letters of `text`, 0 to 1; 0 if it has no letters."""
    if text.isascii():
        return 0.0
    try:
        coded = codecs.charmap_encode(text, "strict", CODE)[0]
    except UnicodeEncodeError:
        arabic = _arabic_letters(text)
        return arabic / sum(map(str.isalpha, text)) if arabic else 0.0
    arabic = len(coded.translate(None, _NO_ARABIC))
    return arabic / len(coded.translate(None, _NO_LETTER)) if arabic else 0.0


def _check_english(answers: str, questions: str) -> None:
    text = answers if _has_letters(answers) else questions
    if 2 * len(_OTHER_SCRIPT.findall(text)) > sum(map(str.isalpha, text)):
        mostly = "Arabic" if arabic_share(text) > 0.5 else "neither Latin nor Greek"
        raise Reject("wrong_language", f"an English row whose letters are mostly {mostly}")


def _check_arabic(answers: str, questions: str) -> None:
    if _arabic_letters(answers) < ENOUGH * len(answers):  # otherwise the share among the letters is higher still
        _check_little_arabic(answers, questions)
    _check_not_persian_or_urdu(answers, questions)


def _check_little_arabic(answers: str, questions: str) -> None:
    share = arabic_share(answers)
    if share == 0 and _has_letters(_UNIVERSAL.sub("", answers)):
        raise Reject("wrong_language", "an Arabic row whose answers have no Arabic letter")
    if share < ENOUGH:
        if len(answers.split()) > _SHORT:
            raise Reject("wrong_language", f"an Arabic row whose answers are Arabic in {share:.0%} of their letters")
        if _has_letters(questions) and arabic_share(questions) <= 0.5:
            raise Reject("wrong_language", "an Arabic row without Arabic in the question, and too little in the answer")


def _check_not_persian_or_urdu(answers: str, questions: str) -> None:
    if not _may_be_another(answers):
        return
    words = _ARABIC_WORDS.findall(answers)
    if len(words) < _LINGUA_FROM_WORDS:
        words += _ARABIC_WORDS.findall(questions)
    text = " ".join(words)
    if len(words) < _LINGUA_FROM_WORDS or not _may_be_another(text):
        return
    best = _detector().compute_language_confidence_values(text[:_LINGUA_READS])[0]
    if best.value > 0 and best.language.name != "ARABIC":
        raise Reject("wrong_language", f"an Arabic row that is {best.language.name.title()}, by {best.value:.0%}")


def _may_be_another(text: str) -> bool:
    return bool(_NOT_ARABIC.search(text)) or not ONLY_ARABIC.search(text)


def _arabic_letters(text: str) -> int:
    return sum(map(len, _ARABIC.findall(text)))


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


@lru_cache(maxsize=1)
def _detector() -> "LanguageDetector":
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(Language.ARABIC, Language.PERSIAN, Language.URDU).build()


def language_of(messages: list[Message]) -> str:
    """Return "ar" or "en", by the script of most letters in the answers.

    A short answer such as "B. CT" or "12" has no language of its own: there the question decides.
    """
    answers = text_by_role(messages, "assistant")
    if arabic_share(answers) > 0.5:
        return "ar"
    short = len(answers.split(None, _SHORT_ANSWER)) <= _SHORT_ANSWER
    return "ar" if short and arabic_share(text_of(messages)) > 0.5 else "en"
