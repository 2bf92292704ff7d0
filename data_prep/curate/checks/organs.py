"""Which organ or number stands beside which side, in both languages: sentences may name two sides in another order."""

import re

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


def same_organs(one: str, other: str, side: re.Pattern[str]) -> bool:
    """Whether two normalised texts say of some organ, or else number, that it is on one side, and none says otherwise.

    Args:
        side: of a word that says a side; the name of its group is the side, with "_ar" in Arabic.
    """
    beside, also = _beside(one, side), _beside(other, side)
    shared = beside.keys() & also.keys()
    if shared:
        return all(beside[organ] == also[organ] for organ in shared)
    return any(_same(read(one, side), read(other, side)) for read in (_before_numbers, _around_numbers))


def _same(sides: dict[str, str], others: dict[str, str]) -> bool:
    shared = sides.keys() & others.keys()
    return bool(shared) and all(sides[number] == others[number] for number in shared)


def _before_numbers(text: str, side: re.Pattern[str]) -> dict[str, str]:
    """For each number the last side before it."""
    places = [(found.end(), _name(found)) for found in side.finditer(text)]
    before = {found[0]: [name for end, name in places if end <= found.start()] for found in _NUMBER.finditer(text)}
    return {number: names[-1] for number, names in before.items() if names}


def _around_numbers(text: str, side: re.Pattern[str]) -> dict[str, str]:
    """For each number the nearest side."""
    places = [(found.start(), _name(found)) for found in side.finditer(text)]
    numbers = _NUMBER.finditer(text) if places else ()
    return {found[0]: min(places, key=lambda place: abs(place[0] - found.start()))[1] for found in numbers}


def _name(found: re.Match[str]) -> str:
    return str(found.lastgroup).removesuffix("_ar")


def _beside(text: str, side: re.Pattern[str]) -> dict[str, set[str]]:
    """The sides next to each organ: of the sides within a few words of it the nearest."""
    words = text.split()
    sides: dict[int, str] = {}
    for place, word in enumerate(words):
        if found := side.fullmatch(word):
            sides[place] = _name(found)
    found_sides: dict[str, set[str]] = {}
    for place, word in enumerate(words):
        near = [other for other in sides if abs(other - place) <= _NEAR]
        for organ, pattern in _ORGANS.items():
            if near and pattern.match(word):
                nearest = min(near, key=lambda other: (abs(other - place), other))
                found_sides.setdefault(organ, set()).add(sides[nearest])
    return {organ: named for organ, named in found_sides.items() if len(named) == 1}
