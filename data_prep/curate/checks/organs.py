"""Which organ or number stands beside which side, in both languages: sentences may name two sides in another order."""

import re
from collections.abc import Iterable, Iterator

# English stems; Arabic stems in the form of data_prep.text.normalise.
_ORGANS = {
    name: re.compile(rf"(?:{english})|[وفبل]{{0,2}}(?:ال|لل)?(?:{arabic})")
    for name, english, arabic in (
        ("lung", "lung|pulmon", "ري[هت]|ريوي"),
        ("kidney", "kidney|renal|nephr", "كلي[هت]|كلوي"),
        ("heart", "heart|cardiac|mediastin", "قلب|منصف"),
        ("ventricle", "ventric", "بطين"),
        ("atrium", "atri", "اذين"),
        ("pleura", "pleura|effusion|pneumothora", "جنبي|انصباب|استرواح"),
        ("trachea", "trachea", "رغام"),
        ("hemisphere", "hemispher|brain|cerebr", "كره|دماغ|مخ"),
        ("body", "body|side of", "جسم|جسد"),
        ("eye", "eye|retin|orbit", "عين|شبكي|حجاج"),
        ("ear", "ear\\b|ears|hearing", "اذن|سمع"),
        ("breast", "breast", "ثدي"),
        ("arm", "arm|elbow|wrist|shoulder|humer", "ذراع|مرفق|معصم|كتف|عضد"),
        ("hand", "hand|finger|thumb", "يد|اصبع|ابهام"),
        ("leg", "leg|knee|hip|thigh|femur|femor|tibia|calf", "ساق|ركب|ورك|فخذ|ظنبوب|ربل"),
        ("foot", "foot|feet|ankle|toe", "قدم|كاحل"),
        ("lobe", "lobe|lobar", "فص"),
        ("ovary", "ovar|testi", "مبيض|خصي"),
        ("artery", "arter|carotid|aort|coronar", "شريان|سباتي|ابهر|تاجي"),
        ("vein", "vein|venous", "وريد"),
        ("ureter", "ureter", "حالب"),
        ("adrenal", "adrenal", "كظر"),
        ("hilum", "hil(?:um|ar)", "نقير"),
        ("face", "face|facial|cheek|jaw|mandib|maxill", "وجه|خد|فك"),
        ("nothing found", "normal|clear|unremarkable|intact|spared", "طبيعي|سليم|صافي"),
    )
}
_NEAR = 3
"""Words between a side and its organ, at most."""
_NUMBER = re.compile(r"\b[0-9]+(?: [0-9]+)*")


def same_organs(one: Iterable[str], other: Iterable[str], side: re.Pattern[str]) -> bool:
    """Whether two texts put organs and numbers on the same sides: an exchange moves most of them, and a sentence that
    leaves the second organ out moves one.

    Args:
        one, other: the normalised clauses of each text.
        side: of a word that says a side; the name of its group is the side, with "_ar" in Arabic.
    """
    beside, also = _beside(one, side), _beside(other, side)
    shared = beside.keys() & also.keys()
    agree = sum(beside[anchor] == also[anchor] for anchor in shared)
    return 0 < agree >= len(shared) - agree


def _beside(clauses: Iterable[str], side: re.Pattern[str]) -> dict[str, set[str]]:
    """The side of each organ, the nearest of those within a few words, and of each number, the last before it; none
    of what is on two sides."""
    found: dict[str, set[str]] = {}
    for clause in clauses:
        words = clause.split()
        sides = {place: side_of(match) for place, word in enumerate(words) if (match := side.fullmatch(word))}
        if not sides:
            continue
        for organ, name in (*_organs(words, sides), *_numbers(clause, side)):
            found.setdefault(organ, set()).add(name)
    return {organ: names for organ, names in found.items() if len(names) == 1}


def _organs(words: list[str], sides: dict[int, str]) -> Iterator[tuple[str, str]]:
    for place, word in enumerate(words):
        near = [other for other in sides if abs(other - place) <= _NEAR]
        for organ, pattern in _ORGANS.items():
            if near and pattern.match(word):
                yield organ, sides[min(near, key=lambda other: (abs(other - place), other))]


def _numbers(clause: str, side: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    places = [(match.end(), side_of(match)) for match in side.finditer(clause)]
    for number in _NUMBER.finditer(clause):
        if before := [name for end, name in places if end <= number.start()]:
            yield number[0], before[-1]


def side_of(found: re.Match[str]) -> str:
    """The side that a word says, by the name of its group."""
    return str(found.lastgroup).removesuffix("_ar")
