"""Words without their inflection, to compare texts: a light stemmer for English and Arabic."""

import re
from functools import lru_cache

from data_prep.curate.compared import words

_ARABIC = re.compile("[\u0620-\u064a]")
_PREFIX = re.compile("^(?:[وف]?(?:ال|لل|[بك]ال)|و(?=[^اوي]..))(?=..)")
_SUFFIX = re.compile("(?<=..)(?:تين|تان|ات|ين|ون|ان|يه|ها|هم|تا|تي|ه|ي|ا)$")
_ENGLISH_SUFFIX = re.compile(r"(?<=...)(?:ies|es|s)$")


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a normalised word."""
    if _ARABIC.match(word):
        return _SUFFIX.sub("", _PREFIX.sub("", word))
    if word.endswith("ss") or word.endswith("is") or word.endswith("us"):
        return word
    return _ENGLISH_SUFFIX.sub("", word)


def without_prefix(word: str) -> str:
    """A normalised Arabic word without article and conjunction."""
    return _PREFIX.sub("", word)


def stems(text: str) -> list[str]:
    """The stems of the words of a text, in order."""
    return [stem(word) for word in words(text)]


@lru_cache(maxsize=50_000)
def root(word: str) -> str:
    """A form that broken plurals, verbs and nouns of one word mostly share: of an Arabic word its consonants, of an
    English one its first five letters."""
    short = stem(word)
    if _ARABIC.match(short):
        bare = re.sub("[اوي]", "", short)
        return bare if len(bare) > 1 else short
    return short[:5]


def roots(text: str) -> set[str]:
    """The roots of the words of a text."""
    return {root(word) for word in words(text)}
