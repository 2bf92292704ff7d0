"""Number words of English and Arabic, as values. Arabic words are in the form of data_prep.text.normalise."""

import re
from functools import lru_cache

from data_prep.curate.checks.listed import listed
from data_prep.text.normalise import plain

UNITS_EN = dict(
    zip(
        listed(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
            "eighteen nineteen"
        ),
        range(2, 20),
        strict=True,
    )
)
TENS_EN = dict(zip(listed("twenty thirty forty fifty sixty seventy eighty ninety"), range(20, 100, 10), strict=True))
SCALES = {
    **{"hundred": 100, "thousand": 1000, "million": 1_000_000},
    **{"ميه": 100, "مايه": 100, "الف": 1000, "الفا": 1000, "الاف": 1000, "مليون": 1_000_000, "ملايين": 1_000_000},
}
_DIGITS_AR = {
    3: "ثلاث ثلاثه",
    4: "اربع اربعه",
    5: "خمس خمسه",
    6: "ست سته",
    7: "سبع سبعه",
    8: "ثمان ثماني ثمانيه",
    9: "تسع تسعه",
    10: "عشر عشره",
}
UNITS_AR = {
    word + end: value
    for value, words in _DIGITS_AR.items()
    for word in words.split()
    for end in ("", "ا")
    if not (end and word.endswith(("ه", "ي")))
}
TENS_AR = {
    base + end: value
    for base, value in zip(listed("عشر ثلاث اربع خمس ست سبع ثمان تسع"), range(20, 100, 10), strict=True)
    for end in ("ون", "ين")
}
SIMPLE = {
    **UNITS_EN,
    **TENS_EN,
    **UNITS_AR,
    **TENS_AR,
    **dict.fromkeys(listed("اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي مرتين مرتان twice"), 2),
    **dict.fromkeys(listed("مليونان مليونين مليوني"), 2_000_000),
    **dict.fromkeys(listed("ميتان ميتين ميتا ميتي مايتان مايتين مايتا مايتي"), 200),
    **dict.fromkeys(listed("بست كست فست وست"), 6),
    **{"thrice": 3, "الفان": 2000, "الفين": 2000, "الفي": 2000},
    **{
        stem + hundred: value * 100
        for value, stem in zip(range(3, 10), listed("ثلاث اربع خمس ست سبع ثماني تسع"), strict=True)
        for hundred in ("مايه", "ميه")
    },
}
"""Words that say a number, compared like digits."""

_ORDINALS_EN = listed("third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth")
_ORDINALS_EN += listed("fifteenth sixteenth seventeenth eighteenth nineteenth")
ORDINALS = {
    **dict(zip(_ORDINALS_EN, range(3, 20), strict=True)),
    **{word[:-1] + "ieth": value for word, value in TENS_EN.items()},
    "thirds": 3,
    **dict(zip(listed("ثالث رابع خامس سادس سابع ثامن تاسع عاشر"), range(3, 11), strict=True)),
    **dict(zip(listed("ثالثه رابعه خامسه سادسه سابعه ثامنه تاسعه عاشره"), range(3, 11), strict=True)),
    **{"ثلث": 3, "ثلثا": 3, "ثلثي": 3, "ثلثين": 3},
}
BEFORE_TENS = {
    **dict.fromkeys(listed("واحد واحده احد احدي حادي حاديه"), 1),
    **dict.fromkeys(listed("ثاني ثانيه"), 2),
}
"""Words that say one and two before a ten, as in twenty-one."""
AFTER_TENS = {"one": 1, "first": 1, "second": 2}

_WEEKDAYS = ("الاثنين", "الثلاثا", "الاربعا")
"""Monday to Wednesday, whose names are those of numbers with the article."""
PREFIX = re.compile("^[وفبلك]?(ال|ل(?=..))?(?=...)")


def value_of_words(tokens: list[str], place: int) -> tuple[int | None, int]:
    """The value of the number words from `place`, with the place after them; None if there are none."""
    first, following = folded(tokens[place]), folded(tokens[place + 1]) if place + 1 < len(tokens) else ""
    total = _value(first, following)
    if total is None:
        return None, 0
    place += 1
    while place < len(tokens):
        word = folded(tokens[place])
        value = _further(word, total)
        if scale := SCALES.get(word):
            rest = total % scale or total
            total += rest * scale - rest
        elif value == 10 and 1 <= total % 100 <= 9 and word.startswith("عشر"):
            total += 10
        elif value is not None and _joins(total, value, word):
            total += value
        elif word.isascii() and total in range(20, 100, 10) and (digit := _after_tens(word)):
            return total + digit, place + 1
        elif not (word == "and" and total >= 100 and place + 1 < len(tokens) and _simple(folded(tokens[place + 1]))):
            break
        place += 1
    return total, place


def _value(word: str, following: str) -> int | None:
    """The value of a word that may begin a number; one and second count only before a ten."""
    ten = following.startswith("عشر") or (following.startswith("و") and TENS_AR.get(bare(following)))
    if ten and (one := BEFORE_TENS.get(word) or BEFORE_TENS.get(bare(word))):
        return one
    return _alone(word)


@lru_cache(maxsize=50_000)
def _alone(word: str) -> int | None:
    """The value of a word that does not need another."""
    for value in (_simple(word), _ordinal(word), SCALES.get(word), SCALES.get(bare(word))):
        if value is not None:
            return value
    return None


def _further(word: str, total: int) -> int | None:
    """The value of a word that may go on with a number."""
    value = _simple(word)
    if value is None and not word.isascii():
        value = _ordinal(word)
        if value is None and total >= 100 and word.startswith("و"):
            return BEFORE_TENS.get(bare(word)) or SCALES.get(bare(word))
    return value


def _after_tens(word: str) -> int | None:
    return AFTER_TENS.get(word) or ORDINALS.get(word)


def _joins(total: int, value: int, word: str) -> bool:
    """Whether a word goes on with a number: units before tens in Arabic, after them in English, less after more."""
    tens = value in range(20, 100, 10)
    if word.startswith("و"):
        return (tens and 0 < total % 100 < 10) or (total >= 100 and total % (1000 if value >= 100 else 100) == 0)
    return (total in range(20, 100, 10) and value < 10 and word.isascii()) or (
        total % 100 == 0 and value < 100 <= total
    )


def _simple(word: str) -> int | None:
    value = SIMPLE.get(word)
    if value is None and not word.isascii() and not word.endswith(_WEEKDAYS):
        value = SIMPLE.get(bare(word))
    return value


def _ordinal(word: str) -> int | None:
    return ORDINALS.get(word) or (None if word.isascii() else ORDINALS.get(bare(word)))


@lru_cache(maxsize=50_000)
def bare(word: str) -> str:
    """An Arabic word without its particle and article."""
    return PREFIX.sub("", word)


@lru_cache(maxsize=50_000)
def folded(token: str) -> str:
    """A token in the form of data_prep.text.normalise."""
    return token.lower() if token.isascii() else "".join(map(plain, token[:40])).strip()
