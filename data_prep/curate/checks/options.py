"""The letters of options stay, each with its own option."""

import re
from collections.abc import Iterator

from data_prep.curate.checks.quantities import quantities
from data_prep.curate.checks.subject import Translation

_LATIN_OF = dict(zip("أابجدهوزح", "AABCDEFGH", strict=True))
"""Arabic letters number options in the order of the abjad."""
_LETTER = "[A-Ja-j]|[أابجدوزح]|هـ?"
_LINE = re.compile(rf"^[ \t]*\(?({_LETTER})[.):][ \t]*(.*)$", re.M)
_INLINE = re.compile(rf"(?<!\w)\(?({_LETTER})[.):][ \t]+((?:(?!(?<!\w)\(?(?:{_LETTER})[.):]\s).)*)")
"""An option within a line, up to the next."""
_ALONE = re.compile(rf"^\s*\(?({_LETTER})[.):]?\s*$")
_NAMED = re.compile(
    rf"(?:(?i:\boption|\banswer(?: is)?:?)|الخيار|الإجابة(?: الصحيحة)?(?: هي)?:?|الجواب(?: هو)?:?)"
    rf"\s*\(?({_LETTER})(?!\w)"
)


def options(made: Translation) -> Iterator[str]:
    """Letters of options that a turn lacks, adds or moves, and options that changed places, by their numbers."""
    for number, source, text in made.turns():
        wanted, found = _options(source), _options(text)
        if not made.options and len(wanted) < 2 and not _ALONE.match(source):
            continue
        letters = [_latin(letter) for letter, _ in wanted], [_latin(letter) for letter, _ in found]
        if letters[0] != letters[1]:
            yield f"turn {number} has the option letters {', '.join(letters[1]) or 'none'}; {', '.join(letters[0])}"
            continue
        alone, kept = _ALONE.match(source), _ALONE.match(text)
        if alone and (not kept or _latin(alone[1]) != _latin(kept[1])):
            yield f"turn {number} is another letter than {alone[1]}"
        named, still = _NAMED.findall(source), _NAMED.findall(text)
        if named and still and set(map(_latin, named)) != set(map(_latin, still)):
            yield f"turn {number} names option {still[0]} instead of {named[0]}"
        for (letter, one), (_, other) in zip(wanted, found, strict=True):
            if bool(one.strip()) != bool(other.strip()):
                yield f"option {letter} of turn {number} is empty"
            one_values, other_values = quantities(one).values, quantities(other).values
            if one_values and other_values and not one_values & other_values:
                yield f"option {letter} of turn {number} has the numbers of another option"


def _options(text: str) -> list[tuple[str, str]]:
    """The letter and text of each option: of those at the beginning of lines or, without them, of A, B and further
    ones in a line."""
    lines = _LINE.findall(text)
    if len(lines) > 1 or not (")" in text or "." in text):
        return lines
    inline = _INLINE.findall(text)
    letters = [_latin(letter) for letter, _ in inline]
    return inline if len(inline) > 1 and letters == sorted(set(letters)) and letters[0] == "A" else lines


def _latin(letter: str) -> str:
    return _LATIN_OF.get(letter[0], letter[0].upper())
