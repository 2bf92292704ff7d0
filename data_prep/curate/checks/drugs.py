"""Drug names and dose forms are those of the source."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from data_prep.curate.checks import skeleton
from data_prep.curate.checks.drug_names import COMMON, FORMS, NOT_DRUGS, STEMS, SYNONYMS
from data_prep.curate.checks.subject import Translation
from data_prep.curate.compared import normalised, words

_FORMS = {
    name: (re.compile(english), re.compile(rf"\b[وفبلك]{{0,2}}(?:ال|ل)?(?:{arabic})"))
    for name, (english, arabic) in FORMS.items()
}
_INTO = {"en": 0, "ar": 1}
_ROUTES = ("intravenous", "intramuscular", "subcutaneous", "oral", "rectal", "topical", "inhaler")
_SHAPES = ("tablet", "capsule", "syrup", "ointment", "cream", "drops", "inhaler", "suppository", "patch", "injection")
_SHORTEST = 4
_SCRIPTS = re.compile("(?<=[\u0620-\u064a])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u0620-\u064a])")
"""Where an Arabic particle touches a Latin name."""
_ABBREVIATION = re.compile(r"\b[A-Z]{2,5}[0-9]?\b|\b[A-Z][0-9]\b")


@lru_cache(maxsize=50_000)
def is_drug(word: str) -> bool:
    """Whether an English word, in lower case, is the name of a drug."""
    made = len(word) > 5 and word not in NOT_DRUGS and not word.endswith("toxin")
    return word in COMMON or (made and bool(STEMS.match(word)))


@lru_cache(maxsize=1)
def _by_skeleton() -> dict[str, str]:
    return {skeleton.english(name): name for name in sorted(COMMON) if len(skeleton.english(name)) >= _SHORTEST}


def drugs_in(text: str, language: str) -> list[str]:
    """The English names of the drugs that a text names, in order, each once."""
    found: dict[str, None] = {}
    for word in words(text):
        if word.isascii():
            if is_drug(word):
                found.setdefault(word)
        elif language == "ar" and (name := _transliterated(word)):
            found.setdefault(name)
    return list(found)


def _transliterated(word: str) -> str | None:
    return _by_skeleton().get(skeleton.arabic(word)) if len(word) > 5 else None


def drugs(made: Translation) -> Iterator[str]:
    """A drug that a turn does not name or adds, or another dose form or route."""
    for number, source, text in made.turns():
        known = {word for term in made.terms for word in words(term.english)}
        parted = _SCRIPTS.sub(" ", text)
        here = words(parted)
        wanted = drugs_in(source, made.source_language)
        for name in wanted:
            if name not in known and not _named(name, here):
                yield f"the drug {name} of turn {number} is missing"
        there = words(source)
        there += [one + other for one, other in pairwise(there)]  # as in co-trimoxazole
        for name in drugs_in(parted, made.language):
            unsure = (made.source_language == "ar" and name not in COMMON) or _written_out(source, text)
            if name not in wanted and not _named(name, there) and _certain(name) and not unsure:
                yield f"the drug {name} of turn {number} is not in the source"
        yield from _forms(number, normalised(source), normalised(text), made)


def _written_out(source: str, text: str) -> bool:
    """Whether the source has an abbreviation that the text lacks: it may be that of a drug."""
    return any(short not in text for short in _ABBREVIATION.findall(source))


def _certain(name: str) -> bool:
    return len(skeleton.english(name)) >= _SHORTEST + 1


def _named(name: str, here: list[str]) -> bool:
    for one in (name, SYNONYMS.get(name)):
        if one is None:
            continue
        wanted = skeleton.english(one)
        for word in here:
            if word == one or (word.isascii() and (word.rstrip("s") == one or _spelt_alike(word, wanted))):
                return True
            if not word.isascii() and _sounds(word, wanted, one):
                return True
    return False


def _spelt_alike(word: str, wanted: str) -> bool:
    """Whether an English word has the consonants of a drug that an Arabic word was read as."""
    return len(word) > _SHORTEST and skeleton.english(word) == wanted


def _sounds(word: str, wanted: str, name: str) -> bool:
    found = skeleton.arabic_forms(word)
    if any(_is_longer(_by_skeleton().get(one), wanted, name) for one in found):
        return False
    hard = skeleton.english(name.replace("ch", "s"))
    if wanted in found or hard in found:
        return True
    if any(one in _by_skeleton() for one in found):
        return False
    return any(skeleton.alike(one, wanted) for one in found)


def _is_longer(other: str | None, wanted: str, name: str) -> bool:
    """Whether a word is another drug, whose first letter may look like a particle."""
    if other is None or name in other or other == SYNONYMS.get(name):
        return False
    return len(skeleton.english(other)) > len(wanted)


def _forms(number: int, source: str, text: str, made: Translation) -> Iterator[str]:
    one, other = _INTO[made.source_language], _INTO[made.language]
    wanted = {name for name, pair in _FORMS.items() if pair[one].search(source)}
    if not wanted:
        return
    found = {name for name, pair in _FORMS.items() if pair[other].search(text)}
    for group in (_ROUTES, _SHAPES):
        lacks, added = (wanted - found) & set(group), (found - wanted) & set(group)
        if lacks and added:
            yield f"turn {number} says {min(added)} instead of {min(lacks)}"
