"""Consonant skeletons, by which an English word and its Arabic transliteration are alike: both without vowels, each
consonant as one of its class, doubled ones once.
"""

import re
from functools import lru_cache

_SOUNDS = {
    **{"b": "بپ", "t": "تطثة", "g": "جغگ", "k": "خقكک", "d": "دذضظ", "r": "ر", "s": "زسصشچ", "f": "فڤ"},
    **{"l": "ل", "m": "م", "n": "ن"},
}
_ARABIC = str.maketrans({letter: sound for sound, letters in _SOUNDS.items() for letter in letters})
_DIGRAPHS = (
    ("tion", "sn"),
    ("sion", "sn"),
    ("ph", "f"),
    ("sh", "s"),
    ("th", "t"),
    ("ch", "k"),
    ("ck", "k"),
    ("qu", "k"),
    ("x", "ks"),
    ("ts", "ts"),
)
_SILENT = re.compile(r"^(?:p(?=[nst])|[kg](?=n)|m(?=n))")
_SOFT = re.compile("c(?=[eiy])")
_ENGLISH = str.maketrans("bpvfgjzscqkdtlmnr", "bbffggsskkkdtlmnr", "aeiouywh")
_TWICE = re.compile(r"(.)\1+")
_LONGEST = 40
_ARTICLE = re.compile("^(?:[وفبك]?ال|[وف]?لل)(?=...)")
_PARTICLE = re.compile("^[وفبلك](?=....)")
_LONG = 6
"""Consonants from which on one may differ."""


@lru_cache(maxsize=50_000)
def english(word: str) -> str:
    """The skeleton of an English word."""
    word = _SILENT.sub("", word[:_LONGEST].lower())
    for letters, sound in _DIGRAPHS:
        word = word.replace(letters, sound)
    return _TWICE.sub(r"\1", _SOFT.sub("s", word).translate(_ENGLISH))


@lru_cache(maxsize=50_000)
def arabic_forms(word: str) -> frozenset[str]:
    """The skeletons that an Arabic word may have: as it stands, without its article, without its particle."""
    word = word[:_LONGEST]
    return frozenset({_arabic(word), _arabic(_ARTICLE.sub("", word)), _arabic(_PARTICLE.sub("", word))})


def arabic(word: str) -> str:
    """The skeleton of an Arabic word without its article."""
    return _arabic(_ARTICLE.sub("", word[:_LONGEST]))


def _arabic(word: str) -> str:
    bare = "".join(letter for letter in word.translate(_ARABIC) if letter.isascii() and letter.isalpha())
    return _TWICE.sub(r"\1", bare)


def alike(one: str, other: str) -> bool:
    """Whether two skeletons are equal, or long and at most one consonant apart."""
    if one == other:
        return True
    if min(len(one), len(other)) < _LONG or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    return (
        one[start + 1 :] == other[start + (len(one) == len(other)) :]
        or one[start:] == other[start + 1 :]
        or (len(one) > len(other) and one[start + 1 :] == other[start:])
    )
